// mmkernels._cpu: the CPU engine for Python.
#include "../cpu/tile_kernels.hpp"
#include "cpu_bindings.hpp"

namespace mmkernels::bindings {

Call interruptible() {
  return {thread_count(), [] {
            py::gil_scoped_acquire lock;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
          }};
}

ArrayView view_of(const py::array& array, const std::string& type) {
  static const std::map<std::string, Type> types{
      {"float16", Type::float16}, {"bfloat16", Type::bfloat16}, {"float32", Type::float32},
      {"float64", Type::float64}, {"bool", Type::bool8},        {"int8", Type::int8},
      {"int16", Type::int16},     {"int32", Type::int32},       {"int64", Type::int64},
      {"uint8", Type::uint8},     {"uint16", Type::uint16},     {"uint32", Type::uint32},
      {"uint64", Type::uint64}};
  return {static_cast<const char*>(array.data()), array.shape(0), array.shape(1),
          array.strides(0), array.strides(1), types.at(type)};
}

}  // namespace mmkernels::bindings

PYBIND11_MODULE(_cpu, module) {
  using namespace mmkernels;
  module.doc() = "The CPU engine of mmkernels; use the functions of mmkernels instead.";
  module.def("instruction_set", [] { return cpu::tile_kernels().name; });
  module.def("thread_count", &cpu::thread_count);
  module.def("set_thread_count", &cpu::set_thread_count, pybind11::arg("count"));
  bindings::bind_features(module);
  bindings::bind_neighbors(module);
  bindings::bind_kernels(module);
  bindings::bind_products(module);
  bindings::bind_dissimilarities(module);
  bindings::bind_mlp_ensemble(module);
}
