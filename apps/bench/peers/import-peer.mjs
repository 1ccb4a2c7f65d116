// Stored next to the peers' node_modules, so that their names resolve here.
import { createRequire } from 'node:module'

export const importPeer = (specifier) => import(specifier)
export const requirePeer = createRequire(import.meta.url)
