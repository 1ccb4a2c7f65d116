// A worker: compiles one AssemblyScript entry and posts its bytes, or the compiler's messages.
import { parentPort, workerData } from 'node:worker_threads'
import { compileEntry } from './compile-entry.mjs'

const { folder, entry, options } = workerData
parentPort.postMessage(await compileEntry(folder, entry, options))
