// Rows made ready for tiles: centred, rounded, and laid out for vectors.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "../core/aligned_buffer.hpp"
#include "thread_pool.hpp"
#include "tile_kernels.hpp"

namespace mmkernels::cpu {

class Features;

// The least float32 above a value.
inline float round_up(double value) {
  return std::nextafter(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

// What packing learned of the row c_i at each position. The bounds are padded with zeros to whole
// panels.
struct PackedRows {
  std::vector<double> norms;            // |c_i|, before rounding
  std::vector<double> centre_products;  // c_i . (scale * centre)
  std::vector<float> lengths;           // a bound on the norm of the row as packed
  std::vector<float> residuals;         // a bound on the norm of what rounding changed
  std::vector<float> tails;             // a bound on the norm outside the directions packed

  PackedRows() = default;
  explicit PackedRows(int64_t rows);
};

// Panels of 32 rows, each laid out as 32-bit words [depth][32]: the same panel serves as the left
// and as the right operand of a tile. A word is a float32 value, or two neighbouring bfloat16
// values, the earlier one in the low half; an odd last one meets zero. Rows beyond the last are
// zero.
struct Panels {
  int64_t depth = 0, count = 0;
  bool bfloat16 = false;
  AlignedBuffer<float> data;
  PackedRows rows;

  int64_t values() const { return bfloat16 ? 2 * depth : depth; }  // that one row has
  int64_t panel_bytes() const { return depth * kPanel * static_cast<int64_t>(sizeof(float)); }
  const float* panel(int64_t index) const { return data.get() + index * depth * kPanel; }

  // tile = the products of panel i of these and panel j of others, which have the same layout.
  void multiply(int64_t i, const Panels& others, int64_t j, float* tile) const {
    const auto product = bfloat16 ? tile_kernels().multiply_bfloat16 : tile_kernels().multiply;
    product(panel(i), others.panel(j), depth, tile);
  }
};

// Which row of the input stands at each position of the panels; empty where each is at its own.
using Order = std::vector<int64_t>;
inline int64_t row_at(const Order& order, int64_t position) {
  return order.empty() ? position : order[position];
}

inline int64_t panel_count(int64_t rows) { return (rows + kPanel - 1) / kPanel; }

Panels pack_panels(const Features& features, bool bfloat16, const Call& call);

}  // namespace mmkernels::cpu
