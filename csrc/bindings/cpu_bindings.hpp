// What the parts of mmkernels._cpu share. Arguments are checked by the Python layer; here arrays
// become views, the interpreter lock is released, and Ctrl-C is asked for now and then.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <string>

#include "../cpu/features.hpp"
#include "../cpu/thread_pool.hpp"

namespace mmkernels::bindings {

namespace py = pybind11;
using namespace mmkernels::cpu;

using Indices = py::array_t<int64_t, py::array::c_style>;
using Doubles = py::array_t<double, py::array::c_style>;

// The features together with the array they read from.
struct BoundFeatures {
  py::array array;
  std::unique_ptr<Features> features;
  int exponent;  // the caller's values were multiplied by this power of 2 before
};

// A call that Ctrl-C stops.
Call interruptible();

ArrayView view_of(const py::array& array, const std::string& type);

// Each adds its functions to the module.
void bind_features(py::module_& module);
void bind_neighbors(py::module_& module);
void bind_kernels(py::module_& module);
void bind_products(py::module_& module);
void bind_dissimilarities(py::module_& module);
void bind_mlp_ensemble(py::module_& module);

}  // namespace mmkernels::bindings
