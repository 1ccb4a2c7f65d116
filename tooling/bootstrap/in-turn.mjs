// Mutual exclusion between programs.
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/**
 * Runs `work` while this program holds the file `lock`, which contains its id; takes over the lock of a dead program.
 */
export async function inTurn(lock, work) {
  while (!take(lock)) await setTimeout(100)
  const release = () => rmSync(lock, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    process.off('exit', release)
    release()
  }
}

function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (isLeftBehind(lock)) rmSync(lock, { force: true })
    return false
  }
}

function isLeftBehind(lock) {
  try {
    const holder = Number(readFileSync(lock, 'utf8'))
    // Whoever has just made the file writes its name next.
    return holder === 0 ? Date.now() - statSync(lock).mtimeMs > 10_000 : !isAlive(holder)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return false
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
