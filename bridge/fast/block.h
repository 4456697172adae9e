/* 16 characters at once, and which of them need an escape in JSON: below a blank, a quote, a backslash. */

#ifndef BRIDGE_BLOCK_H
#define BRIDGE_BLOCK_H

#include <stdint.h>
#include <string.h>

#if defined __SSE2__
#include <emmintrin.h>

typedef __m128i Block; /* 16 characters */

static inline Block block_of(uint64_t first, uint64_t last)
{
    return _mm_set_epi64x((int64_t)last, (int64_t)first);
}

static inline Block block_at(const unsigned char *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

/* Not 0 in those that need an escape. */
static inline Block special(Block block)
{
    Block quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"')), backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    Block control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(' ' - 1)), block);
    return _mm_or_si128(_mm_or_si128(quote, backslash), control);
}

static inline Block either(Block one, Block other)
{
    return _mm_or_si128(one, other);
}

/* A bit for each of them that is. */
static inline int are(Block block)
{
    return _mm_movemask_epi8(block);
}

#else

typedef struct {
    uint64_t first, last;
} Block;

static inline Block block_of(uint64_t first, uint64_t last)
{
    return (Block){first, last};
}

static inline Block block_at(const unsigned char *from)
{
    Block block;
    memcpy(&block, from, sizeof block);
    return block;
}

/* The high bit of one of 8 characters below 0x80, or of one behind it, when one needs an escape. */
static inline uint64_t specials(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
    uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
    return ((eight - ones * ' ') | (quote - ones) | (backslash - ones)) & high;
}

static inline Block special(Block block)
{
    return (Block){specials(block.first), specials(block.last)};
}

static inline Block either(Block one, Block other)
{
    return (Block){one.first | other.first, one.last | other.last};
}

static inline int are(Block block)
{
    return (block.first | block.last) != 0;
}

#endif

#endif
