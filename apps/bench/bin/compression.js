#!/usr/bin/env node
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.js'

const { main } = await import(pathToFileURL(await bundle('compression')).href)
process.exitCode = await main(process.argv.slice(2))
