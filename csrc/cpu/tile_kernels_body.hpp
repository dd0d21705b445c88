// One source for every instruction set, written with the compiler's vector types.
//
// Each including file sets MMK_NAMESPACE, MMK_LANES (float32 lanes of a register), MMK_TILE_ROWS x
// MMK_TILE_VECTORS (accumulators kept in registers) and MMK_CACHED_DEPTH (so much of two panels is
// multiplied for all rows of a tile before the rest is), and is compiled with the flags of its
// instruction set. Nothing from the standard library is instantiated here: an inline
// function compiled with wide instructions could otherwise be the copy the linker keeps for all.
#include <cstdint>

#include "products_body.hpp"
#include "row_kernels_body.hpp"
#include "tile_kernels.hpp"
#include "vectors_body.hpp"

namespace mmkernels::cpu::MMK_NAMESPACE {
namespace {

int compare(const float* tile, const float* row_bias, const float* column_bias,
            const float* row_limit, const float* column_limit, uint32_t* rows, uint32_t* columns) {
  // Most tiles hold nothing: first ask whether any lane passes, and only then where.
  Mask any_row{}, any_column{};
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float bias = load(column_bias + v);
    Float largest = load(tile + v) + row_bias[0];
    for (int r = 0; r < kPanel; ++r) {
      const Float value = load(tile + r * kPanel + v);
      any_row = either(any_row, at_least(value + bias, Float{} + row_limit[r]));
      largest = larger(value + row_bias[r], largest);
    }
    any_column = either(any_column, at_least(largest, load(column_limit + v)));
  }
  const int found = (lane_bits(any_row) ? 1 : 0) | (lane_bits(any_column) ? 2 : 0);
  if (found & 1)
    for (int r = 0; r < kPanel; ++r) {
      uint32_t bits = 0;
      for (int v = 0; v < kPanel; v += kLanes)
        bits |= lane_bits(at_least(load(tile + r * kPanel + v) + load(column_bias + v),
                                   Float{} + row_limit[r])) << v;
      rows[r] = bits;
    }
  if (found & 2)
    for (int r = 0; r < kPanel; ++r) {
      uint32_t bits = 0;
      for (int v = 0; v < kPanel; v += kLanes)
        bits |= lane_bits(at_least(load(tile + r * kPanel + v) + row_bias[r],
                                   load(column_limit + v))) << v;
      columns[r] = bits;
    }
  return found;
}

// exp(x) - 1 = 2^e q + (2^e - 1) with q = exp(reduced) - 1 from its Taylor series: the form keeps
// its relative accuracy as x goes to 0, where exp(x) itself would round to 1.
template <bool MinusOne>
inline Float exponential(Float x) {
  constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f,
                  ln2_low = -2.12194440e-4f, round = 12582912.0f;
  x = x < -87.0f ? Float{} - 87.0f : x;
  const Float shifted = x * log2_e + round;
  const Float exponent = shifted - round;
  const Float reduced = (x - exponent * ln2_high) - exponent * ln2_low;
  Float q = reduced * (1.0f / 5040) + 1.0f / 720;
  q = q * reduced + 1.0f / 120;
  q = q * reduced + 1.0f / 24;
  q = q * reduced + 1.0f / 6;
  q = q * reduced + 0.5f;
  q = q * (reduced * reduced) + reduced;
  const Int power_bits = (__builtin_convertvector(exponent, Int) + 127) << 23;
  const Float power = (Float)power_bits;  // the same bits: vector casts do not convert
  return power * q + (MinusOne ? power - 1.0f : power);
}

template <bool MinusOne>
inline void gaussian_tile(float* tile, const float* row_half, const float* column_half,
                          float factor, float shift) {
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float column = load(column_half + v);
    for (int r = 0; r < kPanel; ++r) {
      Float x = load(tile + r * kPanel + v) - row_half[r] - column;
      x = x < 0.0f ? x : Float{};
      store(tile + r * kPanel + v, exponential<MinusOne>(x * factor) - shift);
    }
  }
}

void gaussian(float* tile, const float* row_half, const float* column_half, float factor,
              bool minus_one, float shift) {
  if (minus_one)
    gaussian_tile<true>(tile, row_half, column_half, factor, shift);
  else
    gaussian_tile<false>(tile, row_half, column_half, factor, shift);
}

void squared_distance(float* tile, const float* row_half, const float* column_half) {
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float column = load(column_half + v);
    for (int r = 0; r < kPanel; ++r) {
      const Float x = load(tile + r * kPanel + v) - row_half[r] - column;
      // Never -0, whose bit pattern sorts above all others.
      store(tile + r * kPanel + v, x < 0.0f ? x * -2.0f : Float{});
    }
  }
}

template <bool MinusOne>
inline void laplacian_tile(float* tile, float factor, float shift) {
  for (int i = 0; i < kTile; i += kLanes) {
    const Float distance = square_root(load(tile + i));
    store(tile + i, exponential<MinusOne>(distance * -factor) - shift);
  }
}

void laplacian(float* tile, float factor, bool minus_one, float shift) {
  if (minus_one)
    laplacian_tile<true>(tile, factor, shift);
  else
    laplacian_tile<false>(tile, factor, shift);
}

void distance(float* tile, float shift) {
  for (int i = 0; i < kTile; i += kLanes) store(tile + i, -square_root(load(tile + i)) - shift);
}

float smallest(const float* tile) {
  Float least = load(tile);
  for (int i = kLanes; i < kTile; i += kLanes) {
    const Float value = load(tile + i);
    least = value < least ? value : least;
  }
  float result = least[0];
  for (int i = 1; i < kLanes; ++i) result = least[i] < result ? least[i] : result;
  return result;
}

void polynomial(float* tile, const float* row_term, const float* column_term, float factor,
                float linear, const float* powers, int count, float shift) {
  for (int v = 0; v < kPanel; v += kLanes) {
    const Float column = load(column_term + v);
    for (int r = 0; r < kPanel; ++r) {
      const Float product = load(tile + r * kPanel + v);
      const Float base = product * factor + (column + row_term[r]);
      Float sum{};
      for (int k = count - 1; k >= 0; --k) sum = sum * base + powers[k];
      store(tile + r * kPanel + v, sum * (base * base) + (product * linear - shift));
    }
  }
}

void widen(const float* tile, double* wide, double* row_sums, double* column_sums) {
  Double columns[kPanel / kDoubles] = {};
  for (int r = 0; r < kPanel; ++r) {
    Double row{};
    for (int v = 0; v < kPanel / kDoubles; ++v) {
      const Double value = load_wide(tile + r * kPanel + v * kDoubles);
      store(wide + r * kPanel + v * kDoubles, value);
      columns[v] += value;
      row += value;
    }
    row_sums[r] += sum_lanes(row);
  }
  for (int v = 0; v < kPanel; v += kDoubles)
    store(column_sums + v, load_wide(column_sums + v) + columns[v / kDoubles]);
}

double dot_tiles(const double* a, const double* b) {
  return dot([=](int64_t i) { return load_wide(a + i); },
             [=](int64_t i) { return load_wide(b + i); }, kTile);
}

void add_tile(const float* tile, double* accumulator) {
  for (int i = 0; i < kTile; i += kDoubles)
    store(accumulator + i, load_wide(accumulator + i) + load_wide(tile + i));
}

}  // namespace

extern const TileKernels kernels;
const TileKernels kernels{
    .name = MMK_NAME,
    .multiply = multiply<float, Float, kPanel>,
    .multiply_wide = multiply<double, Double, kWidePanel>,
    .compare = compare,
    .gaussian = gaussian,
    .squared_distance = squared_distance,
    .laplacian = laplacian,
    .distance = distance,
    .smallest = smallest,
    .polynomial = polynomial,
    .widen = widen,
    .dot_tiles = dot_tiles,
    .add_tile = add_tile,
    .dot_short = dot_short,
    .distance_short = distance_short,
    .widen_row = widen_row,
    .interleave = interleave,
    .kth_largest = kth_largest,
    .match = match,
    .multiply_bfloat16 = nullptr,
    .of_floats = row_kernels<float>,
    .of_doubles = row_kernels<double>,
};

}  // namespace mmkernels::cpu::MMK_NAMESPACE
