// A certified prefix: of rows of D features, the coordinates along a few directions and one number
// for all that is left, so that a search multiplies a few columns in the place of D.
//
// With V some orthonormal directions and t_i >= the norm of c_i outside them,
//   V c_i . V c_j - t_i t_j <= c_i . c_j <= V c_i . V c_j + t_i t_j.
// Packed as h_i = (V c_i, t_i), a product is the upper end itself, and the lower end is 2 t_i t_j
// below. Where V V' differs from I by `defect` (spectral norm), scores change by no more than
// 2 defect |V c_i| |V c_j|, and |c_i|^2 - (1 - defect) |V c_i|^2 is no less than t_i^2 has to be.
//
// Any directions give the right neighbours; how well they are chosen decides how many candidates
// are left to be scored again. They are found from a sample of the rows, and whether they are worth
// it is tried on another one, all in device memory: the host launches what may be needed, and
// kernels leave at once where it is not. For n = 262,144 rows of D = 1024 features an H200
// multiplies for 0.1 s without a prefix. The directions cost 4e9 operations in float64 and some 80
// short launches, less than 2 ms; the packing, 2 n D operations for each direction, 2 ms for 63 of
// them and 9 ms for 255.
#pragma once

#include "features.hpp"
#include "neighbor_operand.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

// When a prefix is tried, and what a search is thought to cost, in seconds of an H200.
struct PrefixTerms {
  bool allowed = false;
  // n n D from which a trial costs a few hundredths of the search: 20 ms of multiplying.
  double least_work = 1.4e13;
  int room = 1024;  // more entries of a list, for candidates that a prefix leaves in doubt
  double multiply_add = 2 / 7e14;   // of a pair in float16, each unordered pair once
  double project = 2 / 1.5e13;      // a multiply-add in float64, half the peak
  // A feature of a candidate that is scored again: 4 bytes from memory at 4 TB/s, and a quarter
  // more for their conversion to float64.
  double score_again = 1.25e-12;
};

// Limits come from exact scores when lists may overflow otherwise, and again each time that they
// have seen as many times more candidates: that costs k scores of a row, and in between lists take
// up to as many times the candidates of one round.
inline constexpr int64_t kPrefixLimitGrowth = 4;

// In device memory.
struct PrefixState {
  int tried;       // 0: directions count too much alike for any prefix
  int directions;  // 0: no prefix
  double candidates;  // for each neighbour, as estimated of the prefix that was chosen
  double defect;
  double centre_square;  // m . m of the candidates' centre, not scaled
};

struct Prefix {
  PrefixTerms terms;  // allowed only where a trial is worth it
  // Rows of each of two samples: one has its directions tried by the other, as rows that they were
  // found from have less outside them than all others.
  int64_t sampled;
  int64_t step;     // sample row s is row s * step % (2 sampled) of as many that are evenly apart
  int64_t most;     // directions that are looked for, a multiple of 32
  int64_t queries;  // the first rows, which look for their neighbours in the first sample
  PrefixState* state;
  double* sample;    // [2 sampled][columns] c, scaled; the second half is for the directions
  double* squares;   // [sampled] |c|^2 of the first half
  double* biases;    // [sampled]
  double* scores;    // [queries][sampled] c . c
  double* axes;      // [most][columns]
  double* products;  // [most][sampled] of directions and samples
  double* partial;   // [chunks of columns][32][most]
  double* spread;    // [queries] sums of squares of scores
  int* counts;       // [queries][most / 32][2]
};

Prefix take_prefix(const ArrayView& candidates, const PrefixTerms& terms, Workspace& workspace);

// Finds directions and decides how many of them are used.
void choose_prefix(const Prefix& prefix, const Features& features, const NeighborOperand& operand,
                   bool euclidean, int k, int capacity, Stream stream);

// Packs again, with a prefix, what pack_neighbor_part has packed, where one was chosen.
void pack_prefix(const Prefix& prefix, const NeighborOperand& operand, const NeighborPart& part,
                 Stream stream);

// The steps of choose_prefix: samples, with scores among the rows of one; directions; their trial.
void sample_prefix(const Prefix& prefix, const Features& features, bool euclidean, Stream stream);
// Columns are summed in chunks.
int64_t axes_chunks(int64_t columns);
void find_axes(const Prefix& prefix, int64_t columns, Stream stream);
void try_prefix(const Prefix& prefix, const NeighborOperand& operand, int64_t columns, int k,
                int capacity, Stream stream);

// out = left right' or left right, in float64, where a prefix is tried.
struct DoubleProduct {
  const double* left;   // [rows][depth]
  const double* right;  // [columns][depth], or [depth][columns]
  double* out;  // [rows][columns]
  int64_t rows, columns, depth;
};
void multiply_transposed(const Prefix& prefix, const DoubleProduct& product, Stream stream);
void multiply_plain(const Prefix& prefix, const DoubleProduct& product, Stream stream);

}  // namespace mmkernels::cuda
