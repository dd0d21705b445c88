// Takes the place of csrc/cuda/device/hopper.cuh: the same functions, run by fibers on the CPU. What
// they do is said there.
#pragma once

#include "../hopper.hpp"
#include "ptx.cuh"
#include "tensor_map.hpp"

namespace mmkernels::cuda::ptx {

using Barrier = uint64_t;

inline void make_barrier(Barrier* barrier, int arrivals) { shim::make_barrier(barrier, arrivals); }
inline void publish_barriers(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::publish_barriers();
}
inline void arrive(Barrier* barrier, std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::arrive(barrier);
}
inline void arrive_at(Barrier* barrier, int rank,
                      std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::arrive_at(barrier, rank);
}
inline void arrive_expecting(Barrier* barrier, int bytes,
                             std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::arrive_expecting(barrier, bytes);
}
inline void wait_phase(Barrier* barrier, int parity,
                       std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::wait_phase(barrier, parity);
}

inline void copy_box(void* to_shared, const TensorMap& map, int depth, int row, Barrier* barrier) {
  shim::copy_box(1 << shim::block().rank, to_shared, map, depth, row, barrier);
}
inline void copy_box_to(int ranks, void* to_shared, const TensorMap& map, int depth, int row,
                        Barrier* barrier) {
  shim::copy_box(ranks, to_shared, map, depth, row, barrier);
}

inline uint64_t operand(const void* shared) { return shim::operand(shared); }

template <int count>
inline void start_products(float (&)[count],
                           std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::start_products();
}
template <class Element, int count>
inline void multiply_group(float (&sums)[count], uint64_t a, uint64_t b, int add) {
  shim::multiply_group(from_bits<Element>, 2 * count, sums, a, b, add != 0);
}
inline void commit_products(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::commit_products();
}
template <int pending, int count>
inline void wait_products(float (&)[count],
                          std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::wait_products(pending);
}

template <int registers>
inline void give_registers() {
  shim::set_registers(registers, false);
}
template <int registers>
inline void take_registers() {
  shim::set_registers(registers, true);
}

inline void sync_some(int barrier, int threads,
                      std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::sync_some(barrier, threads);
}
inline void arrive_some(int barrier, int threads,
                        std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::arrive_some(barrier, threads);
}

inline int cluster_rank() { return shim::block().rank; }
inline int cluster_blocks() { return static_cast<int>(shim::block().cluster->blocks.size()); }
inline void sync_cluster(std::source_location where = std::source_location::current()) {
  if (shim::takes_place(where)) shim::sync_cluster();
}

}  // namespace mmkernels::cuda::ptx
