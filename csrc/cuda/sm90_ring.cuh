// The ring of shared memory through which operands come to the tensor cores of Hopper, and the
// product of what is in it.
//
// A block has three warpgroups. One thread of the first, the producer, has the copy engine fill one
// stage after the other; the other two multiply, each its own 64 rows of the block's 128 by all
// columns, and give stages back. A stage holds a step of the operands' length: rows of 64 numbers of
// 16 bits, first those of the block's rows, then its columns'. Blocks of a cluster that have columns
// in common fetch a part of them each, for all: a stage then is free only when all have given it back.
#pragma once

#include <device/hopper.cuh>

namespace mmkernels::cuda {

inline constexpr int kGroupThreads = 128, kConsumers = 2;
inline constexpr int kHopperThreads = (1 + kConsumers) * kGroupThreads;
inline constexpr int kGroupRows = 64, kHopperRows = kConsumers * kGroupRows;
inline constexpr int kStepRowBytes = kBoxDepth * 2;
// What a block of kHopperThreads threads starts with is 168 for each; the producer needs few.
inline constexpr int kProducerRegisters = 24, kConsumerRegisters = 240;

inline int64_t steps_of(int64_t depth) { return (depth + kBoxDepth - 1) / kBoxDepth; }

// 0: the producer's; 1 and 2: the consumers'.
__device__ __forceinline__ int warpgroup() { return ptx::thread() / kGroupThreads; }

struct Ring {
  uint8_t* memory;  // [stages][stage_bytes], both multiples of 1024
  ptx::Barrier* filled;   // [stages]
  ptx::Barrier* emptied;  // [stages]
  int stages, stage_bytes;

  __device__ __forceinline__ uint8_t* at(int stage) const { return memory + stage * stage_bytes; }
};

// Where in the ring a producer or a consumer is.
struct RingPlace {
  int stage = 0, parity = 0;
  __device__ __forceinline__ void advance(const Ring& ring) {
    if (++stage < ring.stages) return;
    stage = 0;
    parity ^= 1;
  }
};

// By one thread of each block, before all threads of the cluster meet.
__device__ __forceinline__ void make_ring(const Ring& ring) {
  for (int s = 0; s < ring.stages; ++s) {
    ptx::make_barrier(ring.filled + s, 1);
    ptx::make_barrier(ring.emptied + s, kConsumers * ptx::cluster_blocks());
  }
  ptx::publish_barriers();
}

// The producer: the place's stage once it is free, of which `bytes` are announced to be filled.
__device__ __forceinline__ uint8_t* claim(const Ring& ring, const RingPlace& place, int bytes) {
  ptx::wait_phase(ring.emptied + place.stage, place.parity ^ 1);
  ptx::arrive_expecting(ring.filled + place.stage, bytes);
  return ring.at(place.stage);
}

// A consumer: the place's stage once it is filled.
__device__ __forceinline__ const uint8_t* await(const Ring& ring, const RingPlace& place) {
  ptx::wait_phase(ring.filled + place.stage, place.parity);
  return ring.at(place.stage);
}

// A consumer, all of the warpgroup, when its products with the stage are waited for.
__device__ __forceinline__ void release(const Ring& ring, int stage) {
  const int rank = ptx::thread() % kGroupThreads;
  if (rank < ptx::cluster_blocks()) ptx::arrive_at(ring.emptied + stage, rank);
}

// A warpgroup: starts to add the products over the first `count` of a step's length.
template <class Element, int count, int sums_count>
__device__ __forceinline__ void multiply_stage(const uint8_t* rows, const uint8_t* columns,
                                               float (&sums)[sums_count]) {
  ptx::start_products(sums);
#pragma unroll
  for (int k = 0; k < count / 16; ++k)
    ptx::multiply_group<Element>(sums, ptx::operand(rows + k * 32), ptx::operand(columns + k * 32),
                                 1);
  ptx::commit_products();
}

// A consumer: multiply(stage, step) starts products of sums with each of `steps` stages, of which one
// is always under way while the next is awaited.
template <int count, class Multiply>
__device__ __forceinline__ void run_steps(const Ring& ring, RingPlace& place, int steps,
                                          float (&sums)[count], Multiply&& multiply) {
  int before = 0;
  for (int step = 0; step < steps; ++step) {
    const uint8_t* stage = await(ring, place);
    ptx::start_products(sums);
    multiply(stage, step);
    ptx::commit_products();
    ptx::wait_products<1>(sums);
    if (step > 0) release(ring, before);
    before = place.stage;
    place.advance(ring);
  }
  ptx::wait_products<0>(sums);
  if (steps > 0) release(ring, before);
}

}  // namespace mmkernels::cuda
