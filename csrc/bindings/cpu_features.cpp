// Features as the engine reads them.
#include <algorithm>

#include "../cpu/gram.hpp"
#include "cpu_bindings.hpp"

namespace mmkernels::bindings {
namespace {

std::unique_ptr<BoundFeatures> read_features(py::array array, const std::string& type, bool unit,
                                             bool robust, const BoundFeatures* frame) {
  const ArrayView view = view_of(array, type);
  std::unique_ptr<Features> features;
  {
    py::gil_scoped_release unlocked;
    features = frame ? std::make_unique<Features>(view, *frame->features, interruptible())
                     : std::make_unique<Features>(view, unit, robust ? Centre::robust : Centre::mean,
                                                  interruptible());
  }
  return std::make_unique<BoundFeatures>(BoundFeatures{std::move(array), std::move(features), 0});
}

py::array_t<double> along_centre(const BoundFeatures& features) {
  std::vector<double> products;
  {
    py::gil_scoped_release unlocked;
    products = features.features->along_centre(interruptible());
  }
  return py::array_t<double>(static_cast<int64_t>(products.size()), products.data());
}

}  // namespace

void bind_features(py::module_& module) {
  py::class_<BoundFeatures>(module, "Features")
      .def(py::init(&read_features), py::arg("array"), py::arg("type"), py::arg("unit"),
           py::arg("robust"), py::arg("frame") = nullptr)
      .def_property_readonly("first_nonfinite", [](const BoundFeatures& f) { return f.features->first_nonfinite; })
      .def_property_readonly("zero_rows", [](const BoundFeatures& f) { return f.features->zero_rows; })
      .def_property_readonly("overflows", [](const BoundFeatures& f) { return f.features->overflows; })
      .def_property_readonly("constant", [](const BoundFeatures& f) { return f.features->constant(); })
      .def_property_readonly("largest_norm", [](const BoundFeatures& f) {
        const std::vector<double>& norms = f.features->norms;
        return norms.empty() ? 0.0 : *std::max_element(norms.begin(), norms.end());
      })
      .def_property_readonly("scale", [](const BoundFeatures& f) { return f.features->scale; })
      .def_property_readonly("centre_norm", [](const BoundFeatures& f) { return f.features->centre_norm(); })
      .def_property_readonly("norms", [](const BoundFeatures& f) {
        const std::vector<double>& norms = f.features->norms;
        return Doubles(static_cast<py::ssize_t>(norms.size()), norms.data());
      })
      .def_property_readonly("centre", [](const BoundFeatures& f) { return f.features->centre; })
      .def_readwrite("exponent", &BoundFeatures::exponent)
      .def("along_centre", &along_centre)
      .def("median_distance", [](const BoundFeatures& f) {
        py::gil_scoped_release unlocked;
        return median_distance(*f.features, interruptible());
      });
}

}  // namespace mmkernels::bindings
