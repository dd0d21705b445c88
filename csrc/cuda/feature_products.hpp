// Linear HSIC and CKA of any number of sets of features by their products: sum over i, j of
// K_ij L_ij = |X'Y|^2 for rows at their mean. Costs n d_x d_y multiply-adds a pair where the kernel
// matrices cost n^2 (d_x + d_y) / 2.
//
// 1. Each set is measured and packed once, features along the rows (split_operands.hpp). All sets
//    together are the rows of one matrix Z, in blocks of 128, each set's padded to whole ones.
// 2. Tiles of Z'Z: samples are multiplied in runs that float32 sums bear, runs are added in float64.
//    Where tiles are few, several blocks share one, each some of the samples; what they leave is
//    added in order (feature_tiles.cuh). A tile's sum of squares is all that is kept of it.
// 3. Estimates without the diagonal subtract sum |x_i|^2 |y_i|^2, of float64 norms. Where that
//    leaves too little of a self-similarity, because one sample outweighs all others, the products
//    of that set are computed again in float64: the kernel for it is always launched, and its blocks
//    leave at once where a word in device memory does not ask for them.
#pragma once

#include <vector>

#include "../core/hsic.hpp"
#include "features.hpp"
#include "path.hpp"
#include "split_operands.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

enum class FeatureScore { hsic, cka };

// One set as kernels read it.
struct FeatureSet {
  Features features;
  SplitOperand operand;  // transposed
  int64_t first_block, blocks;  // of Z
};

// In device memory, but for the numbers.
struct FeatureTable {
  int64_t samples, blocks;
  int sets, lefts, parts;
  Path path;
  // Scores are wanted of every pair of sets; else of the first `lefts` with each of the others.
  bool symmetric;
  // Every set's product with itself is needed: for CKA.
  bool selves;
  FeatureSet* by_number;  // [sets]
  int* set_of_block;      // [blocks]
  uint16_t* operands;     // of all sets, one after the other
  double* slots;
  double* tile_sums;   // [2 halves of columns][blocks][blocks], upper triangle
  double* diagonals;   // [sets][sets][parts of the samples][4]
  double* values;      // [sets][sets] HSIC in scaled units
  double* magnitudes;  // [sets][sets] mean of K_ij L_ij over all i, j
  int* recompute;      // [sets + 1] which sets; the last: any
};

struct FeatureAlignment {
  std::vector<FeatureSet> sets;
  FeatureTable table;
  FeatureScore score;
};

// views: all of the same number of rows; the first `lefts` against the others, or every one against
// every one where lefts is their number. Rows are divided by their norms where `unit` (the cosine
// kernel). parts: the precision, 1 (8 bits), 2 (16) or 3 (24, that of float32).
//
// Device memory: 2 n parts bytes for each feature (and each of the up to 127 that pad a set), 8 n
// bytes for a set and 2, up to 132 MiB of sums whatever the problem, 16 bytes for a pair of blocks
// of 128 features, and some 600 for a pair of sets.
FeatureAlignment take_feature_alignment(const std::vector<ArrayView>& views, int lefts, bool unit,
                                        int parts, FeatureScore score, Path path,
                                        Workspace& workspace);

// scores: [lefts][others]. NaN where a side has rows that are not usable; for CKA also where a side
// is constant, or nothing but rounding is left of a self-similarity. A set with itself is 1.
void score_features(const FeatureAlignment& alignment, Estimator estimator, double* scores,
                    Stream stream);

}  // namespace mmkernels::cuda
