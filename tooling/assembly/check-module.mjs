// Reads just enough of the WebAssembly binary format (https://webassembly.github.io/spec/core/binary/modules.html) to assert the ABI.

/** Throws unless the module keeps the rules of kernel modules. */
export function checkModule(bytes, name) {
  let at = 8
  const fail = (rule) => {
    throw new Error(`assembly: ${name}: ${rule}`)
  }
  const u32 = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
  }
  const text = () => {
    const length = u32()
    at += length
    return Buffer.from(bytes.subarray(at - length, at)).toString()
  }
  while (at < bytes.length) {
    const id = bytes[at++]
    const end = u32() + at
    if (id === 2) {
      for (let count = u32(); count > 0; count--) {
        const what = `${text()}.${text()}`
        const kind = bytes[at++]
        if (kind === 2 && what === 'env.memory') {
          const flags = bytes[at++]
          const minimum = u32()
          const maximum = flags & 1 ? u32() : undefined
          if (flags !== 3 || minimum !== 0 || maximum !== 65536)
            fail(`memory must be shared, 0 to 65536 pages, not flags ${flags}, ${minimum} to ${maximum}`)
        } else if (kind === 1 && what === 'env.table') {
          at++
          if (bytes[at++] & 1) u32()
          u32()
        } else fail(`imports ${what}; only env.memory and env.table are allowed`)
      }
    }
    if (id === 6) {
      for (let count = u32(); count > 0; count--) {
        at++
        if (bytes[at++] !== 0) fail('has a mutable global')
        while (bytes[at++] !== 0x0b);
      }
    }
    if (id === 8) fail('has a start function')
    if (id === 11) fail('has static data; constants belong into code or scratch memory')
    at = end
  }
}
