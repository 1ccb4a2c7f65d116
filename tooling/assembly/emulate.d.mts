/**
 * The kernels of a package's module `name` as they would be where the platform's dot product that adds takes bytes as
 * `dotAdd` says. For tests: the module is compiled anew, in seconds, and slow.
 */
export function emulateDotAdd<K>(name: string, kernels: readonly K[], dotAdd: 'signed' | 'unsigned'): Promise<K[]>
