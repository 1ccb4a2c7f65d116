const utf8 = new TextEncoder()

/** Writes little-endian fields to a growing buffer. */
export class ByteWriter {
  private buffer: Uint8Array<ArrayBuffer> = new Uint8Array(4096)
  private view: DataView = new DataView(this.buffer.buffer)
  private length = 0

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  u8(value: number): void {
    const at = this.grow(1)
    this.view.setUint8(at, value)
  }

  i8(value: number): void {
    const at = this.grow(1)
    this.view.setInt8(at, value)
  }

  u16(value: number): void {
    const at = this.grow(2)
    this.view.setUint16(at, value, true)
  }

  i16(value: number): void {
    const at = this.grow(2)
    this.view.setInt16(at, value, true)
  }

  u32(value: number): void {
    const at = this.grow(4)
    this.view.setUint32(at, value, true)
  }

  i32(value: number): void {
    const at = this.grow(4)
    this.view.setInt32(at, value, true)
  }

  f32(value: number): void {
    const at = this.grow(4)
    this.view.setFloat32(at, value, true)
  }

  f64(value: number): void {
    const at = this.grow(8)
    this.view.setFloat64(at, value, true)
  }

  u64(value: number | bigint): void {
    const at = this.grow(8)
    this.view.setBigUint64(at, BigInt(value), true)
  }

  i64(value: number | bigint): void {
    const at = this.grow(8)
    this.view.setBigInt64(at, BigInt(value), true)
  }

  raw(bytes: Uint8Array): void {
    const at = this.grow(bytes.length)
    this.buffer.set(bytes, at)
  }

  /** Writes a 64-bit length and that many bytes of UTF-8. */
  string(text: string): void {
    const bytes = utf8.encode(text)
    this.u64(bytes.length)
    this.raw(bytes)
  }

  /** Writes zeros up to a multiple of `alignment`. */
  align(alignment: number): void {
    this.grow((alignment - (this.length % alignment)) % alignment)
  }

  /** Reserves bytes and returns their offset. May replace buffer and view. */
  private grow(bytes: number): number {
    const at = this.length
    this.length += bytes
    if (this.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(this.length, this.buffer.length * 2))
      larger.set(this.buffer.subarray(0, at))
      this.buffer = larger
      this.view = new DataView(larger.buffer)
    }
    return at
  }
}
