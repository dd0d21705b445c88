// Every operation of the engine on one small problem, each started from the caller's arrays.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cpu/features.hpp"
#include "cpu/gram.hpp"
#include "reference.hpp"

namespace mmkernels::testing {

// Results as bit patterns, so that comparing them compares bits.
using Bits = std::vector<uint64_t>;

struct Operation {
  std::string name;
  std::function<Bits(const cpu::Call&)> run;
};

const std::vector<Operation>& all_operations();

// A search large enough for the library to multiply leading directions only; too slow for the list.
const Stored& many_rows();
Neighbors search_many_rows(const cpu::Call& call);

Neighbors neighbors(const cpu::Features& candidates, const cpu::Features* queries,
                    cpu::Metric metric, int64_t k, const cpu::Call& call);

cpu::KernelMatrix kernel_matrix(const cpu::Features& features, cpu::Kernel kernel,
                                double bandwidth, const cpu::Call& call);

template <class T>
Bits bits_of(const std::vector<T>& values);

}  // namespace mmkernels::testing
