// Kernel matrices in device memory, never n x n: tiles of them on tensor cores, and HSIC, CKA and
// bandwidths from one or two passes over the tiles. See cpu/gram.hpp, whose definitions hold here.
#pragma once

#include <vector>

#include "../core/hsic.hpp"
#include "../core/tile_schedule.hpp"
#include "features.hpp"
#include "path.hpp"
#include "split_operands.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

enum class Kernel { linear, gaussian, laplacian, distance, polynomial };

// How many parts of 8 bits the operands are split into: 1, 2, 3. Values of `exact` are those of
// float32.
enum class Precision { fast, high, exact };

struct KernelChoice {
  Kernel kernel = Kernel::linear;
  bool unit = false;     // of rows divided by their norm: linear is the cosine then
  double bandwidth = 1;  // of gaussian and laplacian, in the caller's units; 0: the median distance
  int degree = 1;        // of the polynomial
  double offset = 0, gamma = 1;
};

// What depends on the data: in device memory.
struct KernelState {
  double bandwidth;    // in the caller's units
  double unit;         // the factor by which tile values exceed the caller's
  double fixed_point;  // row sums are integers of as many parts of a tile value
  double wide_factor, wide_linear;  // the next two in float64; polynomial
  float factor;        // exponential: of (squared) distances, to an exponent of 2; polynomial: of v
  float linear;        // polynomial: of the product
  float shift;         // is taken off all values
  int minus_one;       // the values are exp(-z) - 1
  double term;         // polynomial: u_i is so many times c_i . centre
  int usable;          // 0: no results but NaN
};

// Rows that Hopper's tiles fill evenly, of whatever shape they are.
inline constexpr int kHopperPanel = 768;

// A kernel on one set of features. The tiles hold kernel values times `unit`, less `shift` and
// perhaps terms of the row and of the column, which change no centred quantity.
struct KernelMatrix {
  KernelChoice choice;
  Precision precision;
  Path path;  // of passes for which both families have kernels; the others are general
  Features features;
  SplitOperand operand;
  KernelState* state;
  // By padded row. Of kernels of distances, half the products of rows with themselves, summed as the
  // tiles sum them, so that equal rows are at distance exactly 0; of others, the whole products. The
  // same as Hopper's tiles sum them. And the polynomial's terms u_i (see cpu/polynomial.hpp).
  float* own_products;
  float* hopper_products;  // on that path
  float* terms;
  float* powers;    // [degree - 1] coefficients of v^2 and on
  double *wide_terms, *wide_powers;  // the same in float64
  double* samples;  // [sample blocks][3]

  MMKERNELS_ANYWHERE bool of_distances() const {
    return choice.kernel == Kernel::gaussian || choice.kernel == Kernel::laplacian ||
           choice.kernel == Kernel::distance;
  }
  MMKERNELS_ANYWHERE bool exponential() const {
    return choice.kernel == Kernel::gaussian || choice.kernel == Kernel::laplacian;
  }
  // Of the products of rows with themselves, how much is kept.
  MMKERNELS_ANYWHERE float own_share() const { return of_distances() ? 0.5f : 1.0f; }
  int64_t panels() const { return operand.rows / kBlockRows; }
  // Of what is by padded row; tiles of Hopper's kernels reach beyond the operand.
  int64_t lines() const {
    return path == Path::hopper ? (features.view.rows + kHopperPanel - 1) / kHopperPanel * kHopperPanel
                                : operand.rows;
  }
  // As passes on Hopper's path read it.
  KernelMatrix on_hopper() const {
    KernelMatrix matrix = *this;
    matrix.own_products = hopper_products;
    return matrix;
  }
};

struct MedianSearch;

KernelMatrix take_kernel_matrix(const ArrayView& view, const KernelChoice& choice,
                                Precision precision, Path path, Workspace& workspace);

// Measures, packs, finds the bandwidth (by the search, which may be one for all matrices; not used
// where the bandwidth is given) and the shift.
void prepare_kernel_matrix(const KernelMatrix& matrix, const MedianSearch& search, Stream stream);

// The median of the n (n - 1) / 2 distances, as float32 has them: counts of the bits of squared
// distances narrow down where the two middle ones are.
struct MedianSearch {
  struct Range;
  Range* ranges;        // [2], of the middle ranks
  uint64_t* histogram;  // [2][bins]
};

MedianSearch take_median_search(bool wanted, Workspace& workspace);

// state->bandwidth = the median distance in the caller's units; needs the packed rows.
void find_median_distance(const KernelMatrix& matrix, const MedianSearch& search, Stream stream);

// One pass over the pairs of blocks of rows, in which the tiles of all kernels meet, each computed
// once; and HSIC of every pair of kernels from it. Where float32 tiles have lost the digits of a
// self-similarity (see cpu/exact_sums.cpp), which the device finds out, its pairs are computed again
// in float64: the kernels for it are always launched, and leave at once where nothing is lost.
struct GramPass {
  TileSchedule schedule;
  int64_t samples;
  int count;
  KernelMatrix* matrices;  // [count]
  double* products;        // [sums][pairs] sums over i != j of K_ij L_ij, parts of the whole
  uint64_t* rows;          // [count][padded rows] sums over j != i in fixed point
  float* tiles;            // unless there are two: [blocks][count][entries of a tile]
  double* values;          // [pairs] HSIC in units of the tiles
  double* selves;          // [count] with itself; NaN where rounding alone leaves it
  double* magnitudes;      // [pairs] mean of K_ij L_ij before centring and shift
  int* lost;               // [count + 1] which kernels' digits; the last: any
  double* wide_rows;       // [count][n] what float64 takes off entries for their row
  double* wide_products;   // [pairs][n / 64] of centred entries

  MMKERNELS_ANYWHERE int64_t pairs() const { return int64_t{count} * (count + 1) / 2; }
  // Of (a, b), a <= b, in the order of (0, 0), (0, 1), ... (1, 1), ...
  MMKERNELS_ANYWHERE int64_t pair(int a, int b) const {
    return int64_t{a} * count - int64_t{a} * (a - 1) / 2 + b - a;
  }
};

GramPass take_gram_pass(int64_t samples, int count, Workspace& workspace);

// All matrices of the same precision, path and number of rows.
void run_gram_pass(const std::vector<KernelMatrix>& matrices, const GramPass& pass,
                   Estimator estimator, Stream stream);

// *score = HSIC of the matrices a and b in the caller's units; NaN for rows that are not usable.
void write_hsic(const GramPass& pass, int a, int b, double* score, Stream stream);

// scores[i][j] = CKA of the matrices left[i] and right[j]; NaN also where it would be 0 / 0: a side
// is constant, or what is left of its self-similarity is rounding.
void write_cka(const GramPass& pass, const std::vector<int>& left, const std::vector<int>& right,
               double* scores, Stream stream);

// H K H written out, in the caller's units.
struct CenteredGram {
  TileSchedule schedule;
  uint64_t* rows;  // [padded rows] sums over j != i in fixed point
  double* means;   // [n] of rows, and of all
};

CenteredGram take_centered_gram(int64_t samples, Workspace& workspace);

// out (n, n), float32 or (wide) float64, row-major; NaN for rows that are not usable.
void write_centered_gram(const KernelMatrix& matrix, const CenteredGram& gram, bool wide, void* out,
                         Stream stream);

}  // namespace mmkernels::cuda
