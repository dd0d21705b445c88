// Ensembles of small multi-layer perceptrons.
#include "cpu_bindings.hpp"

#include "../core/batch_order.hpp"

namespace mmkernels::bindings {
namespace {

py::array_t<int64_t> visited(uint64_t seed, int64_t epoch, int64_t n) {
  py::array_t<int64_t> found(n);
  int64_t* out = found.mutable_data();
  const BatchOrder order = batch_order(seed, epoch, n);
  for (int64_t place = 0; place < order.domain; ++place) {
    const uint32_t sample = ordered(order, static_cast<uint32_t>(place));
    if (sample < n) *out++ = sample;
  }
  return found;
}

}  // namespace

void bind_mlp_ensemble(py::module_& module) {
  module.def("batch_order", &visited, py::arg("seed"), py::arg("epoch"), py::arg("n"));
}

}  // namespace mmkernels::bindings
