/*
 * BLAKE2b (RFC 7693) without a key, in one call: `size` bytes of digest, 1 to 64. Behind the data there must be room for a
 * block, which is overwritten.
 */

#ifndef BRIDGE_BLAKE2B_H
#define BRIDGE_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BLAKE2B_BLOCK = 128, BLAKE2B_ROUNDS = 12 };

static const uint64_t BLAKE2B_IV[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t BLAKE2B_SIGMA[BLAKE2B_ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

#define BLAKE2B_TURN(x, n) ((x) >> (n) | (x) << (64 - (n)))
#define BLAKE2B_MIX(TURN, a, b, c, d, x, y)                                                                        \
    (a = a + (x) + b, d = TURN(d ^ a, 32), c += d, b = TURN(b ^ c, 24), a = a + (y) + b, d = TURN(d ^ a, 16),      \
     c += d, b = TURN(b ^ c, 63))

/* The lowest byte first; in one line, which compilers know as a load. */
static inline uint64_t blake2b_word(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

/* Takes one block in; `taken` bytes were hashed with it, `last` says that no other follows. */
static void blake2b_words(uint64_t *h, const uint8_t *block, uint64_t taken, int last)
{
    uint64_t v[16], m[16];
#pragma GCC unroll 16
    for (int place = 0; place < 16; place++)
        m[place] = blake2b_word(block + 8 * place);
    memcpy(v, h, sizeof BLAKE2B_IV);
    memcpy(v + 8, BLAKE2B_IV, sizeof BLAKE2B_IV);
    v[12] ^= taken;
    v[14] ^= -(uint64_t)last;
#pragma GCC unroll 12 /* BLAKE2B_ROUNDS: then the orders are constants */
    for (int round = 0; round < BLAKE2B_ROUNDS; round++) {
        const uint8_t *s = BLAKE2B_SIGMA[round];
        BLAKE2B_MIX(BLAKE2B_TURN, v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        BLAKE2B_MIX(BLAKE2B_TURN, v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int place = 0; place < 8; place++)
        h[place] ^= v[place] ^ v[place + 8];
}

#if defined __x86_64__ && defined __has_builtin
#if __has_builtin(__builtin_shufflevector) && __has_builtin(__builtin_cpu_supports)
#define BLAKE2B_ROWS
#endif
#endif

#ifdef BLAKE2B_ROWS
/* Four words, for a processor that computes with all of them at once: AVX2. */
typedef uint64_t Blake2bRow __attribute__((vector_size(32)));
typedef uint8_t Blake2bBytes __attribute__((vector_size(32)));

#define BLAKE2B_TURNED(at, n) \
    at + (n) % 8, at + (1 + (n)) % 8, at + (2 + (n)) % 8, at + (3 + (n)) % 8, at + (4 + (n)) % 8, \
        at + (5 + (n)) % 8, at + (6 + (n)) % 8, at + (7 + (n)) % 8
#define BLAKE2B_TURN_BYTES(x, n)                                                                                   \
    ((Blake2bRow)__builtin_shufflevector((Blake2bBytes)(x), (Blake2bBytes)(x), BLAKE2B_TURNED(0, n),               \
                                         BLAKE2B_TURNED(8, n), BLAKE2B_TURNED(16, n), BLAKE2B_TURNED(24, n)))
#define BLAKE2B_TURN_ROW(x, n) ((n) % 8 ? BLAKE2B_TURN(x, n) : BLAKE2B_TURN_BYTES(x, (n) / 8))
#define BLAKE2B_SHIFT(x, n) __builtin_shufflevector(x, x, (n) % 4, (1 + (n)) % 4, (2 + (n)) % 4, (3 + (n)) % 4)

/* The same, a row of the matrix at a time. For its diagonals b stays where it is, as the last to be known. */
__attribute__((target("avx2"))) static void blake2b_rows(uint64_t *h, const uint8_t *block, uint64_t taken, int last)
{
    Blake2bRow a, b, c, d, even, odd;
    uint64_t m[16];
    memcpy(m, block, sizeof m);
    memcpy(&a, h, sizeof a);
    memcpy(&b, h + 4, sizeof b);
    memcpy(&c, BLAKE2B_IV, sizeof c);
    memcpy(&d, BLAKE2B_IV + 4, sizeof d);
    d ^= (Blake2bRow){taken, 0, -(uint64_t)last, 0};
#pragma GCC unroll 12
    for (int round = 0; round < BLAKE2B_ROUNDS; round++) {
        const uint8_t *s = BLAKE2B_SIGMA[round];
        even = (Blake2bRow){m[s[0]], m[s[2]], m[s[4]], m[s[6]]};
        odd = (Blake2bRow){m[s[1]], m[s[3]], m[s[5]], m[s[7]]};
        BLAKE2B_MIX(BLAKE2B_TURN_ROW, a, b, c, d, even, odd);
        a = BLAKE2B_SHIFT(a, 3), c = BLAKE2B_SHIFT(c, 1), d = BLAKE2B_SHIFT(d, 2);
        even = (Blake2bRow){m[s[14]], m[s[8]], m[s[10]], m[s[12]]};
        odd = (Blake2bRow){m[s[15]], m[s[9]], m[s[11]], m[s[13]]};
        BLAKE2B_MIX(BLAKE2B_TURN_ROW, a, b, c, d, even, odd);
        a = BLAKE2B_SHIFT(a, 1), c = BLAKE2B_SHIFT(c, 3), d = BLAKE2B_SHIFT(d, 2);
    }
    a ^= c;
    b ^= d;
    for (int place = 0; place < 4; place++) {
        h[place] ^= a[place];
        h[place + 4] ^= b[place];
    }
}
#endif

static inline void blake2b_block(uint64_t *h, const uint8_t *block, uint64_t taken, int last)
{
#ifdef BLAKE2B_ROWS
    if (__builtin_cpu_supports("avx2")) {
        blake2b_rows(h, block, taken, last);
        return;
    }
#endif
    blake2b_words(h, block, taken, last);
}

static void blake2b(uint8_t *digest, size_t size, uint8_t *data, size_t length)
{
    uint64_t h[8];
    size_t done = 0;
    memcpy(h, BLAKE2B_IV, sizeof h);
    h[0] ^= 0x01010000 ^ size;
#pragma GCC unroll 8 /* eight stores; one memset becomes an instruction that is slow to start */
    for (size_t place = 0; place < BLAKE2B_BLOCK; place += 16)
        memset(data + length + place, 0, 16);
    for (; length - done > BLAKE2B_BLOCK; done += BLAKE2B_BLOCK)
        blake2b_block(h, data + done, done + BLAKE2B_BLOCK, 0);
    blake2b_block(h, data + done, length, 1);
#pragma GCC unroll 64
    for (size_t place = 0; place < size; place++)
        digest[place] = (uint8_t)(h[place / 8] >> (8 * (place % 8)));
}

#endif
