// What kernels use of devices of compute capability 9.0, beyond ptx.cuh: barriers that count bytes,
// copies of boxes by the copy engine, products by warpgroups, clusters of blocks. Only sources called
// sm90_* include it; they are compiled for such devices alone.
#pragma once

#include "ptx.cuh"
#include "tensor_map.hpp"
#include "wgmma.cuh"

namespace mmkernels::cuda::ptx {

__device__ __forceinline__ uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// In shared memory. A phase ends when as many threads have arrived as the barrier is made for, and
// all bytes have come that were announced in it; then the next one begins.
using Barrier = uint64_t;

__device__ __forceinline__ void make_barrier(Barrier* barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(arrivals)
               : "memory");
}
// By the thread that made barriers, before threads of its cluster and the copy engine use them.
__device__ __forceinline__ void publish_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void arrive(Barrier* barrier) {
  asm volatile("mbarrier.arrive.release.cta.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
// At the barrier that has the same place in the block `rank` of the cluster. Says that the thread is
// done with what it read: what it wrote is not sent ahead, for which it would have to wait.
__device__ __forceinline__ void arrive_at(Barrier* barrier, int rank) {
  asm volatile(
      "{\n.reg .b32 there;\n"
      "mapa.shared::cluster.u32 there, %0, %1;\n"
      "mbarrier.arrive.shared::cluster.b64 _, [there];\n}" ::"r"(
          shared_address(barrier)),
      "r"(rank)
      : "memory");
}
// Arrives, and announces as many bytes more.
__device__ __forceinline__ void arrive_expecting(Barrier* barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(bytes)
               : "memory");
}
// Waits until the phase of this parity is over; the first phase is 0. No more than one may have ended
// since. Acquires for the block alone: what comes from elsewhere comes by the copy engine, and to
// acquire for the cluster would empty the first cache every time.
__device__ __forceinline__ void wait_phase(Barrier* barrier, int parity) {
  asm volatile(
      "{\n.reg .pred over;\n"
      "again: mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 over, [%0], %1;\n"
      "@!over bra again;\n}" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}

// Copies a box of the map, whose corner is at this row and depth, to shared memory (a multiple of
// 1024), swizzled, and tells the barrier its bytes: all of them, also those beyond the array, which
// are zeros.
__device__ __forceinline__ void copy_box(void* to_shared, const TensorMap& map, int depth, int row,
                                         Barrier* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%3, %4}], [%2];" ::"r"(shared_address(to_shared)),
      "l"(&map), "r"(shared_address(barrier)), "r"(depth), "r"(row)
      : "memory");
}
// The same to every block of the cluster whose bit is set in `ranks`, each at the same place, and its
// own barrier at the same place is told.
__device__ __forceinline__ void copy_box_to(int ranks, void* to_shared, const TensorMap& map, int depth,
                                            int row, Barrier* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes"
      ".multicast::cluster [%0], [%1, {%3, %4}], [%2], %5;" ::"r"(shared_address(to_shared)),
      "l"(&map), "r"(shared_address(barrier)), "r"(depth), "r"(row),
      "h"(static_cast<uint16_t>(ranks))
      : "memory");
}

// The operand of a product that starts here: rows of 64 numbers of 16 bits as copy_box left them.
// `shared`: the row's start, a multiple of 1024, plus 32 bytes for each 16 of the depth that come
// before.
__device__ __forceinline__ uint64_t operand(const void* shared) {
  constexpr uint64_t between_eight_rows = 1024 / 16, swizzle_128_bytes = 1;
  return (shared_address(shared) & 0x3ffff) >> 4 | uint64_t{1} << 16 | between_eight_rows << 32 |
         swizzle_128_bytes << 62;
}

// Warpgroup, as are the next three: before the first product after its sums were touched by other
// instructions.
template <int count>
__device__ __forceinline__ void start_products(float (&sums)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) asm volatile("" : "+f"(sums[i])::"memory");
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// Ends a group of products.
__device__ __forceinline__ void commit_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Waits until no more than `pending` groups are under way. Sums belong to the products until then.
template <int pending, int count>
__device__ __forceinline__ void wait_products(float (&sums)[count]) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
#pragma unroll
  for (int i = 0; i < count; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}

// Warpgroup: how many registers each of its threads has from here on, fewer or more than before;
// multiples of 8.
template <int registers>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}

// Some warps of the block, `threads` of them in all, meet at barrier 1 to 15, or come by and go on.
__device__ __forceinline__ void sync_some(int barrier, int threads) {
  asm volatile("barrier.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}
__device__ __forceinline__ void arrive_some(int barrier, int threads) {
  asm volatile("barrier.arrive %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
}

__device__ __forceinline__ int cluster_rank() {
  uint32_t rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
}
__device__ __forceinline__ int cluster_blocks() {
  uint32_t count;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(count));
  return static_cast<int>(count);
}
// All threads of all blocks of the cluster. The last thing before a block ends into whose shared
// memory others write.
__device__ __forceinline__ void sync_cluster() {
  asm volatile(
      "barrier.cluster.arrive.release;\n"
      "barrier.cluster.wait.acquire;" ::: "memory");
}

}  // namespace mmkernels::cuda::ptx
