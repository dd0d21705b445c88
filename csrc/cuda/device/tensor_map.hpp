// What the copy engine of devices of compute capability 9.0 is told of an array.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "runtime.cuh"

namespace mmkernels::cuda {

using TensorMap = CUtensorMap;

inline constexpr int kBoxDepth = 64;  // of 16-bit numbers: rows of 128 bytes

// Boxes of `box_rows` (at most 256) times 64 numbers of 16 bits from an array [rows][depth], whose
// rows are a multiple of 16 bytes; its address is a multiple of 16.
inline TensorMap make_tensor_map(const uint16_t* values, int64_t rows, int64_t depth, int box_rows) {
  using Encode = CUresult (*)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*,
                              const cuuint64_t*, const cuuint32_t*, const cuuint32_t*,
                              CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
                              CUtensorMapFloatOOBfill);
  // The one function of the driver that the runtime does not have.
  static const Encode encode = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult found{};
    require(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000,
                                             cudaEnableDefault, &found),
            "tensor map");
    if (found != cudaDriverEntryPointSuccess)
      throw std::runtime_error("CUDA: the driver has no tensor maps.");
    return reinterpret_cast<Encode>(function);
  }();
  TensorMap map;
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(depth), static_cast<cuuint64_t>(rows)};
  const cuuint64_t pitch = static_cast<cuuint64_t>(depth) * sizeof(uint16_t);
  const cuuint32_t box[] = {kBoxDepth, static_cast<cuuint32_t>(box_rows)}, every[] = {1, 1};
  const CUresult result =
      encode(&map, CU_TENSOR_MAP_DATA_TYPE_UINT16, 2, const_cast<uint16_t*>(values), sizes, &pitch, box,
             every, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result != CUDA_SUCCESS)
    throw std::runtime_error("CUDA: tensor map: error " + std::to_string(static_cast<int>(result)) +
                             " for " + std::to_string(rows) + " rows of " + std::to_string(depth) +
                             ".");
  return map;
}

}  // namespace mmkernels::cuda
