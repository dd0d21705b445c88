// All that kernels use of the machine beyond C++. The tests put a directory with a header of the
// same name, whose functions run on the CPU, in the place of this one.
//
// Kernels use no static shared memory, one-dimensional grids and blocks of whole warps, and let all
// lanes of a warp take part in every function marked "warp".
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

namespace mmkernels::cuda::ptx {

__device__ __forceinline__ int thread() { return static_cast<int>(threadIdx.x); }
__device__ __forceinline__ int threads() { return static_cast<int>(blockDim.x); }
__device__ __forceinline__ int64_t block() { return blockIdx.x; }
__device__ __forceinline__ int64_t blocks() { return gridDim.x; }

// The block's dynamic shared memory, aligned to 1024 bytes.
__device__ __forceinline__ uint8_t* shared() {
  extern __shared__ __align__(1024) uint8_t dynamic_shared_memory[];
  return dynamic_shared_memory;
}

__device__ __forceinline__ void sync_threads() { __syncthreads(); }
__device__ __forceinline__ void sync_warp() { __syncwarp(); }

// Copies 16 bytes to shared memory while the thread goes on; both addresses are multiples of 16.
__device__ __forceinline__ void copy_async(void* to_shared, const void* from_global) {
  const uint32_t to = static_cast<uint32_t>(__cvta_generic_to_shared(to_shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from_global) : "memory");
}
// Ends a group of copies, which may be empty.
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// Waits until no more than `pending` of the thread's own groups are under way.
template <int pending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Warp: loads four 8 x 8 matrices of 16-bit values; lane l gives the address of row l % 8 of matrix
// l / 8, a multiple of 16, and gets elements 2 (l % 4) and the next of row l / 4 of each.
__device__ __forceinline__ void load_matrices(uint32_t (&values)[4], const void* row_in_shared) {
  const uint32_t row = static_cast<uint32_t>(__cvta_generic_to_shared(row_in_shared));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
               : "r"(row)
               : "memory");
}

// The 16-bit formats of operands, by their bits.
struct Half {};
struct Bfloat16 {};

// Warp: sums (16 x 8, float32) += a (16 x 16) times b (16 x 8), in the fragments of mma.m16n8k16.
template <class Element>
__device__ __forceinline__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1);
template <>
__device__ __forceinline__ void multiply_add<Half>(float (&sums)[4], const uint32_t (&a)[4],
                                                   uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void multiply_add<Bfloat16>(float (&sums)[4], const uint32_t (&a)[4],
                                                       uint32_t b0, uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Warp.
template <class T>
__device__ __forceinline__ T shuffle_xor(T value, int mask) {
  return __shfl_xor_sync(~0u, value, mask);
}
template <class T>
__device__ __forceinline__ T shuffle(T value, int lane) {
  return __shfl_sync(~0u, value, lane);
}
__device__ __forceinline__ uint32_t ballot(bool predicate) { return __ballot_sync(~0u, predicate); }
__device__ __forceinline__ bool any(bool predicate) { return __any_sync(~0u, predicate); }

__device__ __forceinline__ int count_bits(uint32_t bits) { return __popc(bits); }
// From 0; bits is not 0.
__device__ __forceinline__ int lowest_bit(uint32_t bits) { return __ffs(static_cast<int>(bits)) - 1; }
__device__ __forceinline__ int lowest_bit(uint64_t bits) {
  return __ffsll(static_cast<long long>(bits)) - 1;
}

// All return the value before.
__device__ __forceinline__ int atomic_add(int* at, int value) { return atomicAdd(at, value); }
__device__ __forceinline__ uint64_t atomic_add(uint64_t* at, uint64_t value) {
  return atomicAdd(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
__device__ __forceinline__ int atomic_min(int* at, int value) { return atomicMin(at, value); }
__device__ __forceinline__ int atomic_max(int* at, int value) { return atomicMax(at, value); }
__device__ __forceinline__ int atomic_or(int* at, int value) { return atomicOr(at, value); }
__device__ __forceinline__ uint64_t atomic_max(uint64_t* at, uint64_t value) {
  return atomicMax(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
__device__ __forceinline__ uint64_t atomic_min(uint64_t* at, uint64_t value) {
  return atomicMin(reinterpret_cast<unsigned long long*>(at), static_cast<unsigned long long>(value));
}
// Writes `value` where `expected` is.
__device__ __forceinline__ uint64_t compare_and_swap(uint64_t* at, uint64_t expected,
                                                     uint64_t value) {
  return atomicCAS(reinterpret_cast<unsigned long long*>(at),
                   static_cast<unsigned long long>(expected),
                   static_cast<unsigned long long>(value));
}

// To 1 unit in the last place; of 0, 0.
__device__ __forceinline__ float square_root_approximate(float x) {
  float result;
  asm("sqrt.approx.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
// 2^x to 2 units in the last place; results below float32's normal range are 0.
__device__ __forceinline__ float exp2_approximate(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

// Bits of the 16-bit formats; to the nearest, ties to even.
__device__ __forceinline__ uint16_t to_half(float x) { return __half_as_ushort(__float2half_rn(x)); }
__device__ __forceinline__ float from_half(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ __forceinline__ uint16_t to_bfloat16(float x) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
__device__ __forceinline__ float from_bfloat16(uint16_t bits) {
  return __bfloat162float(__ushort_as_bfloat16(bits));
}

__device__ __forceinline__ uint32_t float_bits(float x) { return __float_as_uint(x); }
__device__ __forceinline__ float bits_float(uint32_t x) { return __uint_as_float(x); }
__device__ __forceinline__ uint64_t double_bits(double x) {
  return static_cast<uint64_t>(__double_as_longlong(x));
}
__device__ __forceinline__ double bits_double(uint64_t x) {
  return __longlong_as_double(static_cast<long long>(x));
}

// Lets the compiler forget what it has made of a value, and would hold in registers to use again.
__device__ __forceinline__ void forget(float& value) { asm volatile("" : "+f"(value)); }

// Away from zero, towards +infinity: for bounds.
__device__ __forceinline__ float round_up(double x) { return __double2float_ru(x); }

}  // namespace mmkernels::cuda::ptx
