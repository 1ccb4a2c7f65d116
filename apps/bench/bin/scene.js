#!/usr/bin/env node
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.js'

const { main } = await import(pathToFileURL(await bundle('scene')).href)
process.exitCode = main(process.argv.slice(2))
