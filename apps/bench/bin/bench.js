#!/usr/bin/env node
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.js'

const { main } = await import(pathToFileURL(await bundle('main')).href)
process.exitCode = await main(process.argv.slice(2), { bundle })
