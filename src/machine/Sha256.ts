/**
 * A digest of texts that nobody can find two of: SHA-256.
 *
 * The platforms' own is asynchronous, or not on every platform; this one answers at once and everywhere.
 *
 * Source: FIPS 180-4, Secure Hash Standard.
 *
 * @since 0.1.0
 */

const roundConstants = (): Int32Array => {
  const constants = new Int32Array(64)
  let found = 0
  for (let candidate = 2; found < 64; candidate++) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) {
      if (candidate % divisor === 0) {
        isPrime = false
        break
      }
    }
    // the first bits of the fractions of the cube roots of the first primes
    if (isPrime) constants[found++] = (Math.cbrt(candidate) % 1) * 0x1_0000_0000
  }
  return constants
}

const k = roundConstants()
const w = new Int32Array(64)
const state = new Int32Array(8)
const initial = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19
)

const compress = (bytes: Uint8Array, from: number): void => {
  for (let t = 0, at = from; t < 16; t++, at += 4) {
    w[t] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!
    const y = w[t - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0
  }
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  let e = state[4]!
  let f = state[5]!
  let g = state[6]!
  let h = state[7]!
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const one = (h + s1 + (g ^ (e & (f ^ g))) + k[t]! + w[t]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const two = (s0 + ((a & b) | (c & (a | b)))) | 0
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

const encoder = new TextEncoder()
// a text takes three bytes a character at most, and a bit, its length and what fills the last block come after it
const roomFor = (text: string): number => text.length * 3 + 128
// most texts fit into what is there already
const scratch = new Uint8Array(1 << 16)

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const hexOf = (word: number): string =>
  hexBytes[word >>> 24]! + hexBytes[(word >>> 16) & 255]! + hexBytes[(word >>> 8) & 255]! + hexBytes[word & 255]!

/**
 * The digest of a text, as UTF-8, in 64 hexadecimal digits.
 *
 * @category calculations
 * @since 0.1.0
 */
export const hex = (text: string): string => {
  const bytes = roomFor(text) <= scratch.length ? scratch : new Uint8Array(roomFor(text))
  const { written } = encoder.encodeInto(text, bytes)
  const end = ((written + 8) & ~63) + 64
  bytes.fill(0, written, end)
  bytes[written] = 0x80
  // a text that JavaScript can hold has fewer than 2^33 bits
  bytes[end - 5] = written >>> 29
  bytes[end - 4] = written >>> 21
  bytes[end - 3] = written >>> 13
  bytes[end - 2] = written >>> 5
  bytes[end - 1] = written << 3
  state.set(initial)
  for (let from = 0; from < end; from += 64) compress(bytes, from)
  let digest = ""
  for (let word = 0; word < 8; word++) digest += hexOf(state[word]!)
  return digest
}
