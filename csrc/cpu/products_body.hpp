// Products of two panels, in float32 and in float64; see tile_kernels_body.hpp.
#pragma once

#include <cstdint>

#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

inline Float load_vector(const float* p) { return load(p); }
inline Double load_vector(const double* p) { return load_wide(p); }

// Rows x Vectors sums of a tile that is Width values wide, as its panels are, kept in registers.
template <int Width, int Rows, int Vectors, class Vector, class Value>
inline void multiply_block(const Value* a, const Value* b, int64_t depth, Value* tile) {
  constexpr int lanes = sizeof(Vector) / sizeof(Value);
  Vector sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sum[r][v] = load_vector(tile + r * Width + v * lanes);
  for (int64_t t = 0; t < depth; ++t) {
    Vector column[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      column[v] = *reinterpret_cast<const Vector*>(b + v * lanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Value row = a[r];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sum[r][v] += row * column[v];
    }
    a += Width;
    b += Width;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(tile + r * Width + v * lanes, sum[r][v]);
}

// Rows of a tile in blocks of nearly equal size: a small last one would wait for its sums.
template <int Width, int Row, class Vector, class Value>
inline void multiply_rows(const Value* a, const Value* b, int64_t depth, Value* tile) {
  if constexpr (Row < Width) {
    constexpr int left = Width - Row, blocks = (left + MMK_TILE_ROWS - 1) / MMK_TILE_ROWS;
    constexpr int rows = (left + blocks - 1) / blocks;
    constexpr int step = MMK_TILE_VECTORS * sizeof(Vector) / sizeof(Value);
    for (int c = 0; c < Width; c += step)
      multiply_block<Width, rows, MMK_TILE_VECTORS, Vector>(a + Row, b + c, depth,
                                                            tile + Row * Width + c);
    multiply_rows<Width, Row + rows, Vector>(a, b, depth, tile);
  }
}

template <class Value, class Vector, int Width>
void multiply(const Value* a, const Value* b, int64_t depth, Value* tile) {
  for (int i = 0; i < Width * Width; ++i) tile[i] = 0;
  for (int64_t first = 0; first < depth; first += MMK_CACHED_DEPTH) {
    const int64_t count = depth - first < MMK_CACHED_DEPTH ? depth - first : MMK_CACHED_DEPTH;
    multiply_rows<Width, 0, Vector>(a + first * Width, b + first * Width, count, tile);
  }
}

}  // namespace
}  // namespace mmkernels::cpu::MMK_NAMESPACE
