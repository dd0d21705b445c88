// Rows packed in float16 for a search of neighbours, with what is known of their errors.
//
// Rows c_i are those of Features times a power of two. The score of a pair is s_ij = c_i . c_j + b_i
// + b_j, the similarity up to terms that are the same for all candidates of a row:
//   Euclidean          b_i = -|c_i|^2 / 2, so that s_ij = -|c_i - c_j|^2 / 2;
//   inner product, and cosine of unit rows: b_i = m . c_i for the centre m, in the same scale, so
//                      that s_ij = x_i . x_j - m . m.
// The product of the rounded rows h_i, started from b_i + b_j, differs from it by at most
//   d_i r_j + r_i d_j + d_i d_j + g (r_i r_j + |b_i| + |b_j|),
// r_i = |h_i| and d_i = |c_i - h_i| rounded up, by Cauchy and Schwarz; g bounds what sums of D
// products lose: of 16 products and a sum each, in D / 16 steps, tensor cores keep 24 bits below the
// largest, which is no more than r_i r_j + |b_i| + |b_j|: 17 + 1 units of 2^-23 a step, below D 2^-22.
#pragma once

#include "features.hpp"

namespace mmkernels::cuda {

// Of one row, or the largest of a block of rows.
struct RowBounds {
  float norm;   // r
  float error;  // d
  float bias;   // |b|
};

struct NeighborOperand {
  int64_t rows, padded, depth;
  // Position p holds row p * step modulo the rows: samples that are sorted then do not arrive each
  // better than all before it.
  int64_t step;
  uint16_t* values;         // [padded][depth], zeros beyond the rows
  float* biases;            // [padded], -infinity beyond the rows
  RowBounds* bounds;        // [padded]
  RowBounds* block_bounds;  // [padded / 128]
  float sum_error;          // g
};

NeighborOperand take_neighbor_operand(const ArrayView& view, bool scattered, Workspace& workspace);

// The frame is what the rows were centred in and whose scale they share: their own features, or
// those of the candidates.
void pack_neighbor_operand(const NeighborOperand& operand, const Features& features,
                           const Features& frame, bool euclidean, bool queries, Stream stream);

}  // namespace mmkernels::cuda
