// The order in which an epoch visits n samples: a permutation that costs no memory and no sort.
//
// A Feistel network permutes the 2^bits numbers of the smallest power of two that holds n; read
// from the first to the last, those below n are the order. Every number is found by itself, so a
// vector or a warp of them is found at a time, and host and device agree to the bit.
// (Mitchell, Stokes, Frank, Holmes 2022, Bandwidth-Optimal Random Shuffling for GPUs.)
#pragma once

#include <cstdint>

#include "anywhere.hpp"

namespace mmkernels {

inline constexpr int kOrderRounds = 12;

struct BatchOrder {
  uint32_t key[kOrderRounds], multiplier[kOrderRounds];
  int low_bits, high_bits;
  int64_t domain;  // numbers 0 .. domain - 1 are permuted
};

// Vigna's splitmix64: a good hash of 64 bits.
MMKERNELS_ANYWHERE inline uint64_t mixed_bits(uint64_t state) {
  state += 0x9e3779b97f4a7c15u;
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
  state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
  return state ^ (state >> 31);
}

// The order of epoch `epoch` (from 0) under `seed`, for 1 <= n <= 2^31.
MMKERNELS_ANYWHERE inline BatchOrder batch_order(uint64_t seed, int64_t epoch, int64_t n) {
  int bits = 6;  // fewer are not mixed well
  while ((int64_t{1} << bits) < n) ++bits;
  BatchOrder order;
  order.domain = int64_t{1} << bits;
  order.low_bits = bits / 2;
  order.high_bits = bits - order.low_bits;
  uint64_t state = mixed_bits(seed) ^ mixed_bits(~static_cast<uint64_t>(epoch));
  for (int round = 0; round < kOrderRounds; ++round) {
    state = mixed_bits(state);
    order.key[round] = static_cast<uint32_t>(state >> 32);
    order.multiplier[round] = static_cast<uint32_t>(state) | 1;
  }
  return order;
}

// What stands at `place` of the permuted domain; to be skipped where it is n or more. A round
// hashes one half by the leading bits of its product with a random odd number (Dietzfelbinger,
// Hagerup, Katajainen, Penttonen 1997). Number is uint32_t, or a vector of them.
template <class Number>
MMKERNELS_ANYWHERE inline Number ordered(const BatchOrder& order, Number place) {
  const int to_low = 32 - order.low_bits, to_high = 32 - order.high_bits;
  Number low = place & ((uint32_t{1} << order.low_bits) - 1), high = place >> order.low_bits;
  for (int round = 0; round < kOrderRounds; round += 2) {
    low ^= ((high ^ order.key[round]) * order.multiplier[round]) >> to_low;
    high ^= ((low ^ order.key[round + 1]) * order.multiplier[round + 1]) >> to_high;
  }
  return high << order.low_bits | low;
}

}  // namespace mmkernels
