import { version } from '../package.json'

/** The version of this package, a constant in builds and bundles, which need not have a `package.json` nearby. */
export const ownVersion: string = version
