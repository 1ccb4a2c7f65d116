import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants, homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

/** glibc's RTLD_NODELETE: the library stays loaded although Node closes it again. */
const keepLoaded = 0x1000

/**
 * Unpacks the SwiftShader Vulkan driver and loader that `@sparticuz/chromium` carries, once per version.
 * Returns undefined where the package has no binaries (it is Linux on x64 only).
 */
export function unpackSwiftShader(cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tessera')) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const root = packageRoot()
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const directory = join(cache, `swiftshader-${version}`)
  if (!existsSync(directory)) {
    mkdirSync(cache, { recursive: true })
    const unpacked = mkdtempSync(join(cache, 'swiftshader-unpack-'))
    for (const [name, content] of readTar(
      brotliDecompressSync(readFileSync(join(root, 'bin', 'swiftshader.tar.br'))),
    )) {
      writeFileSync(join(unpacked, basename(name)), content, { mode: 0o755 })
    }
    // Two processes may unpack at once: the first rename wins, both results are the same.
    try {
      renameSync(unpacked, directory)
    } catch (error) {
      rmSync(unpacked, { recursive: true, force: true })
      if (!existsSync(directory)) throw error
    }
  }
  return { directory, loader: join(directory, 'libvulkan.so.1'), driver: join(directory, 'vk_swiftshader_icd.json') }
}

/**
 * Makes this process use SwiftShader for Vulkan. Must run before the first `create()` of the npm package `webgpu`.
 * LD_LIBRARY_PATH is read only when a process starts, so the loader is brought into the process by its path;
 * Dawn's later request for `libvulkan.so.1` then finds it by its name.
 */
export function useSwiftShader() {
  const files = unpackSwiftShader()
  if (!files) return false
  process.env.VK_ICD_FILENAMES = files.driver
  process.env.VK_DRIVER_FILES = files.driver
  try {
    process.dlopen({ exports: {} }, files.loader, constants.dlopen.RTLD_NOW | keepLoaded)
  } catch (error) {
    // Node expects an addon and complains about any other library, which is loaded all the same.
    if (!String(error).includes('did not self-register')) throw error
  }
  return true
}

/**
 * A GPU for tests: SwiftShader on Linux x64, the machine's own GPU elsewhere or with TESSERA_GPU=system. Validation and
 * robustness stay on; zeroing of workgroup memory is off because it makes SwiftShader compile 20 times slower.
 */
export async function createTestGpu() {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  if (process.env.TESSERA_GPU === 'system' || !useSwiftShader())
    return create(['enable-dawn-features=disable_workgroup_init'])
  return create(['backend=vulkan', 'enable-dawn-features=disable_workgroup_init'])
}

/** A GPU that compiles and validates everything and computes nothing (Dawn's null backend). */
export async function createNullGpu() {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  return create(['backend=null', 'enable-dawn-features=allow_unsafe_apis'])
}

function packageRoot() {
  let folder = dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium'))
  while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) {
    const parent = dirname(folder)
    if (parent === folder)
      throw new Error('swiftshader: @sparticuz/chromium is installed without its bin folder; reinstall it')
    folder = parent
  }
  return folder
}

/** Regular files of a tar archive: 512-byte headers, name at 0, size (octal) at 124, type at 156. */
function* readTar(archive) {
  for (let at = 0; at + 512 <= archive.length; ) {
    const text = (start, length) =>
      archive
        .toString('latin1', at + start, at + start + length)
        .split('\0')[0]
        .trim()
    const name = text(0, 100)
    if (name === '') return
    const size = Number.parseInt(text(124, 12), 8)
    if (text(156, 1) === '0' || text(156, 1) === '') yield [name, archive.subarray(at + 512, at + 512 + size)]
    at += 512 + Math.ceil(size / 512) * 512
  }
}
