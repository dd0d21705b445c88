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
  float tail;   // t of a prefix (prefix.hpp), else 0; of a block of rows it is not kept
};

// What stays on the device of all rows.
struct NeighborOperand {
  int64_t rows, padded, depth;
  // Position p holds row p * step modulo the rows: samples that are sorted then do not arrive each
  // better than all before it.
  int64_t step;
  float* biases;            // [padded], -infinity beyond the rows
  RowBounds* bounds;        // [padded]
  RowBounds* block_bounds;  // [padded / 128]
  // [1] How many leading columns of the packed rows hold anything, a multiple of 32: filters
  // multiply these alone.
  int* used_depth;
  float sum_error;          // g
};

// A part of the rows, as given and packed; all of them where there is room. Parts start at multiples
// of 128 positions; several parts need rows in order (step 1).
struct NeighborPart {
  Features features;  // its view holds these rows alone
  int64_t first, count;  // positions
  uint16_t* values;  // [count padded to 128][depth], zeros beyond the rows
};

// About a golden section of the rows, and without a divisor in common with them.
int64_t scattering_step(int64_t rows);

NeighborOperand take_neighbor_operand(int64_t rows, int64_t columns, bool scattered,
                                      Workspace& workspace);
NeighborPart take_neighbor_part(const Features& features, int64_t first, int64_t count,
                                Workspace& workspace);

// Packs the rows of a part and writes what is known of them to the operand. The frame is what they
// were centred in and whose scale they share: their own features, or those of the candidates.
void pack_neighbor_part(const NeighborOperand& operand, const NeighborPart& part,
                        const Features& frame, bool euclidean, bool queries, Stream stream);
// The largest bounds of each block of a part's rows; pack_neighbor_part ends with it.
void bound_blocks(const NeighborOperand& operand, const NeighborPart& part, Stream stream);

}  // namespace mmkernels::cuda
