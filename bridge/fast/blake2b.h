/* BLAKE2b (RFC 7693) without a key, in one call: `size` bytes of digest, 1 to 64. */

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
#define BLAKE2B_MIX(a, b, c, d, x, y)                                                                              \
    (a += b + (x), d = BLAKE2B_TURN(d ^ a, 32), c += d, b = BLAKE2B_TURN(b ^ c, 24), a += b + (y),                 \
     d = BLAKE2B_TURN(d ^ a, 16), c += d, b = BLAKE2B_TURN(b ^ c, 63))

static uint64_t blake2b_word(const uint8_t *at)
{
    uint64_t word = 0;
    for (int place = 7; place >= 0; place--)
        word = word << 8 | at[place];
    return word;
}

/* Takes one block in; `taken` bytes were hashed with it, `last` says that no other follows. */
static void blake2b_block(uint64_t *h, const uint8_t *block, uint64_t taken, int last)
{
    uint64_t v[16], m[16];
    for (int place = 0; place < 16; place++)
        m[place] = blake2b_word(block + 8 * place);
    for (int place = 0; place < 8; place++) {
        v[place] = h[place];
        v[place + 8] = BLAKE2B_IV[place];
    }
    v[12] ^= taken;
    if (last)
        v[14] = ~v[14];
#pragma GCC unroll 12 /* BLAKE2B_ROUNDS: then the orders are constants */
    for (int round = 0; round < BLAKE2B_ROUNDS; round++) {
        const uint8_t *s = BLAKE2B_SIGMA[round];
        BLAKE2B_MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        BLAKE2B_MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        BLAKE2B_MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        BLAKE2B_MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        BLAKE2B_MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        BLAKE2B_MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        BLAKE2B_MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        BLAKE2B_MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int place = 0; place < 8; place++)
        h[place] ^= v[place] ^ v[place + 8];
}

static void blake2b(uint8_t *digest, size_t size, const uint8_t *data, size_t length)
{
    uint64_t h[8];
    uint8_t last[BLAKE2B_BLOCK] = {0};
    size_t done = 0;
    memcpy(h, BLAKE2B_IV, sizeof h);
    h[0] ^= 0x01010000 ^ size;
    for (; length - done > BLAKE2B_BLOCK; done += BLAKE2B_BLOCK)
        blake2b_block(h, data + done, done + BLAKE2B_BLOCK, 0);
    memcpy(last, data + done, length - done);
    blake2b_block(h, last, length, 1);
    for (size_t place = 0; place < size; place++)
        digest[place] = (uint8_t)(h[place / 8] >> (8 * (place % 8)));
}

#endif
