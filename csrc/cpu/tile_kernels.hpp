// The inner loops, one table of functions per instruction set.
//
// Everything above this file is compiled once for the plain architecture; only the functions of
// this table exist in several versions, and one of them is chosen when the module is loaded.
#pragma once

#include <cstdint>

namespace mmkernels::cpu {

// Rows of a panel, and therefore rows and columns of a tile.
inline constexpr int kPanel = 32;
inline constexpr int kTile = kPanel * kPanel;

// The same of float64 values: a panel is as many bytes wide.
inline constexpr int kWidePanel = kPanel / 2;
inline constexpr int kWideTile = kWidePanel * kWidePanel;

// Sums over the values c of a centred row, in float64.
struct RowMoments {
  double square;       // of c^2
  double with_centre;  // of c times the centre
  double lost;         // of (c - c as packed)^2
};

// What is done to the rows of a caller's array, of float32 or float64.
template <class Value>
struct RowKernels {
  // Sum over i < n of a[i] * b[i], of (a[i] - b[i])^2, and of row[i]^2, in float64.
  double (*dot)(const double* a, const Value* b, int64_t n);
  double (*distance)(const double* a, const Value* b, int64_t n);
  double (*square)(const Value* row, int64_t n);

  // sum[i] += row[i] * factor - origin[i].
  void (*add)(double* sum, const Value* row, const double* origin, double factor, int64_t n);

  // out[i] = c[i] = (row[i] * factor - centre[i]) * scale, rounded to float32 or to bfloat16.
  RowMoments (*pack_float)(const Value* row, const double* centre, double factor, double scale,
                           int64_t n, float* out);
  RowMoments (*pack_bfloat16)(const Value* row, const double* centre, double factor, double scale,
                              int64_t n, uint16_t* out);
};

struct TileKernels {
  const char* name;

  // tile[r][c] = sum over t < depth of a[t][r] * b[t][c]; a and b are panels laid out [depth][32],
  // aligned to 64 bytes, and the sum runs in the order of t in float32.
  void (*multiply)(const float* a, const float* b, int64_t depth, float* tile);

  // The same in float64, of panels laid out [depth][16].
  void (*multiply_wide)(const double* a, const double* b, int64_t depth, double* tile);

  // Bit c of rows[r] says tile[r][c] + column_bias[c] >= row_limit[r];
  // bit c of columns[r] says tile[r][c] + row_bias[r] >= column_limit[c].
  // Returns whether any bit of rows (1) or of columns (2) is set.
  int (*compare)(const float* tile, const float* row_bias, const float* column_bias,
                 const float* row_limit, const float* column_limit, uint32_t* rows,
                 uint32_t* columns);

  // tile = exp(factor * d) (or exp(factor * d) - 1 when minus_one) - shift, where
  // d = min(0, tile[r][c] - row_half[r] - column_half[c]) is minus half a squared distance.
  void (*gaussian)(float* tile, const float* row_half, const float* column_half, float factor,
                   bool minus_one, float shift);

  // d as above, written over the tile as the squared distance -2 d >= 0.
  void (*squared_distance)(float* tile, const float* row_half, const float* column_half);

  // Of a tile of squared distances s: tile = exp(-factor sqrt(s)) (less 1 when minus_one) - shift.
  void (*laplacian)(float* tile, float factor, bool minus_one, float shift);
  // tile = -sqrt(s) - shift.
  void (*distance)(float* tile, float shift);
  // The smallest value of a tile.
  float (*smallest)(const float* tile);

  // Of a tile of products t, with v = factor t + row_term[r] + column_term[c]:
  // tile = linear t + sum over k < count of powers[k] v^(k + 2) - shift.
  void (*polynomial)(float* tile, const float* row_term, const float* column_term, float factor,
                     float linear, const float* powers, int count, float shift);

  // wide = tile in float64; row_sums[r] += sum over c, column_sums[c] += sum over r.
  void (*widen)(const float* tile, double* wide, double* row_sums, double* column_sums);

  // Sum of a[i] * b[i] over one widened tile.
  double (*dot_tiles)(const double* a, const double* b);

  // accumulator += tile, in float64.
  void (*add_tile)(const float* tile, double* accumulator);

  // Sum over i < n of a[i] * b[i] in float32, in 4 interleaved chains per lane.
  float (*dot_short)(const float* a, const float* b, int64_t n);
  // The same of (a[i] - b[i])^2.
  float (*distance_short)(const float* a, const float* b, int64_t n);

  // out[i] = row[i] in float64.
  void (*widen_row)(const float* row, double* out, int64_t n);

  // panel[w][r] = rows[r][w] for 32 rows of `words` 32-bit words each, whatever they hold.
  void (*interleave)(const void* rows, int64_t words, void* panel);

  // The k-th largest of n values without NaN, 1 <= k <= n; n must be a multiple of 16.
  float (*kth_largest)(const float* values, int64_t n, int64_t k);

  // Bit i of masks[j] says a[i] == b[j], for i and j < k <= 64.
  void (*match)(const int64_t* a, const int64_t* b, int64_t k, uint64_t* masks);

  // As multiply, of panels whose 32-bit words each hold the bfloat16 values 2 t and 2 t + 1; null
  // where the instruction set has no such product.
  void (*multiply_bfloat16)(const float* a, const float* b, int64_t pairs, float* tile);

  RowKernels<float> of_floats;
  RowKernels<double> of_doubles;
};

// The best table this processor can run, or the one MMKERNELS_ISA names ("portable", "avx2",
// "avx512", "avx512bf16"); naming one that cannot run is an error.
const TileKernels& tile_kernels();

inline const RowKernels<float>& row_kernels(const float*) { return tile_kernels().of_floats; }
inline const RowKernels<double>& row_kernels(const double*) { return tile_kernels().of_doubles; }

}  // namespace mmkernels::cpu
