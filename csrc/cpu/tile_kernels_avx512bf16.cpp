// Compiled with AVX512-BF16: products of bfloat16 pairs at twice the rate of float32.
#include <immintrin.h>

#include <cstdint>

#include "tile_kernels.hpp"

namespace mmkernels::cpu::avx512bf16 {
namespace {

template <int Rows>
inline void multiply_rows(const float* a, const float* b, int64_t pairs, float* tile) {
  __m512 sum[Rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (int64_t t = 0; t < pairs; ++t) {
    const __m512bh left = (__m512bh)_mm512_load_si512(b);
    const __m512bh right = (__m512bh)_mm512_load_si512(b + 16);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const __m512bh row = (__m512bh)_mm512_set1_ps(a[r]);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], row, left);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], row, right);
    }
    a += kPanel;
    b += kPanel;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    _mm512_storeu_ps(tile + r * kPanel, sum[r][0]);
    _mm512_storeu_ps(tile + r * kPanel + 16, sum[r][1]);
  }
}

}  // namespace

void multiply_bfloat16(const float* a, const float* b, int64_t pairs, float* tile) {
  multiply_rows<11>(a, b, pairs, tile);
  multiply_rows<11>(a + 11, b, pairs, tile + 11 * kPanel);
  multiply_rows<10>(a + 22, b, pairs, tile + 22 * kPanel);
}

}  // namespace mmkernels::cpu::avx512bf16
