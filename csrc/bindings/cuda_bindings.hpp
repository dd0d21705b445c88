// What the parts of mmkernels._cuda share. Inputs are arrays that other libraries give away by
// DLPack; outputs and workspace are memory of the caller's library and come, like its stream, as
// integers. Arguments are checked by the Python layer.
#pragma once

#include <device/runtime.cuh>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../core/array_view.hpp"
#include "../cuda/knn.hpp"
#include "../cuda/workspace.hpp"
#include "dlpack.hpp"

namespace mmkernels::bindings {

namespace py = pybind11;
using namespace mmkernels::cuda;

using Address = uintptr_t;

// An array in device memory, of any type and shape, kept alive as long as this.
class BoundArray {
 public:
  explicit BoundArray(const py::capsule& capsule);

  const std::vector<int64_t>& shape() const { return shape_; }
  const std::string& type_name() const { return type_name_; }
  int device() const { return device_; }
  Address address() const { return reinterpret_cast<Address>(data_); }

  // Throws std::invalid_argument for what is not a two-dimensional array of real numbers.
  ArrayView view() const;

 private:
  void read(const dlpack::Tensor& tensor);

  std::shared_ptr<void> owner_;
  const char* data_ = nullptr;
  std::vector<int64_t> shape_, byte_strides_;
  dlpack::DataType type_{};
  std::string type_name_;
  int device_ = 0;
};

// The bytes that `take` asks of a workspace.
template <class Take>
size_t bytes_taken(Take take) {
  Workspace workspace;
  take(workspace);
  return workspace.used();
}

// Workspace in memory of the caller's library, which aligns all it allocates to 256 bytes.
Workspace workspace_at(Address address);

inline Stream stream_at(Address address) { return reinterpret_cast<Stream>(address); }

template <class T>
T* pointer_to(Address address) {
  return reinterpret_cast<T*>(address);
}

// By the names that Python has for them.
Type type_named(const std::string& name);
Metric metric_named(const std::string& name);
Path path_named(const std::string& name);

// Each adds its functions to the module. They make the arrays' device current while they run, and
// let other Python threads run.
void bind_arrays(py::module_& module);
void bind_features(py::module_& module);
void bind_grams(py::module_& module);
void bind_neighbors(py::module_& module);
void bind_lists(py::module_& module);
void bind_mlp_ensemble(py::module_& module);
void bind_products(py::module_& module);
void bind_streaming(py::module_& module);

}  // namespace mmkernels::bindings
