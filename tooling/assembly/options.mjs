/** Options of the compiler for kernel modules; the build with relaxed SIMD has `relaxed` besides. */
export const options = [
  '--enable',
  'simd',
  '--enable',
  'threads',
  '--importMemory',
  '--sharedMemory',
  '--maximumMemory',
  '65536',
  '--noExportMemory',
  '--importTable',
  '--runtime',
  'stub',
  '-O3',
  '--converge',
  '--noAssert',
  '--disableWarning',
  '201',
  '--disableWarning',
  '112',
]

export const relaxed = ['--enable', 'relaxed-simd']
