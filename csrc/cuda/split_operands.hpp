// Centred, scaled rows as sums of bfloat16 parts, for products of any precision on tensor cores:
// one part holds 8 bits of a value, two 16, three all 24 of a float32.
#pragma once

#include <device/runtime.cuh>

#include "features.hpp"
#include "workspace.hpp"

namespace mmkernels::cuda {

// scale (x_ic - centre_c) = the sum of its parts, scale the power of two that brings the largest
// row's norm to [1/2, 1). Rows and depth are padded with zeros: rows to 128, depth to 32.
struct SplitOperand {
  uint16_t* parts;  // [count][rows][depth]
  int count;
  int64_t rows, depth;
};

// Samples along the rows, features along the depth: for products of pairs of samples.
SplitOperand take_split(const Features& features, int count, Workspace& workspace);
void pack_split(const Features& features, const SplitOperand& operand, Stream stream);

// Features along the rows, samples along the depth: for X'Y.
SplitOperand take_transposed_split(const Features& features, int count, Workspace& workspace);
void pack_transposed_split(const Features& features, const SplitOperand& operand, Stream stream);

}  // namespace mmkernels::cuda
