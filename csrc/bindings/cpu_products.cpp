// Products of features in float64, and how they move with the mean.
#include "cpu_bindings.hpp"

#include "../cpu/lifted_products.hpp"

namespace mmkernels::bindings {
namespace {

void add_lifted(const BoundFeatures& x, const Doubles& centre_x, double scale_x,
                const BoundFeatures& y, const Doubles& centre_y, double scale_y, Doubles& out) {
  const Placed left{x.features.get(), centre_x.data(), scale_x};
  const Placed right{y.features.get(), centre_y.data(), scale_y};
  double* target = out.mutable_data();
  py::gil_scoped_release unlocked;
  add_lifted_products(left, right, target, interruptible());
}

void add_moved(const Doubles& products, double ratio_x, const Doubles& shift_x,
               double ratio_y, const Doubles& shift_y, Doubles& out) {
  const Move move_x{ratio_x, shift_x.data()}, move_y{ratio_y, shift_y.data()};
  const int64_t d_x = shift_x.shape(0), d_y = shift_y.shape(0);
  const double* data = products.data();
  double* target = out.mutable_data();
  py::gil_scoped_release unlocked;
  add_moved_products(data, d_x, move_x, d_y, move_y, target, interruptible());
}

}  // namespace

void bind_products(py::module_& module) {
  module.def("add_lifted_products", &add_lifted, py::arg("x"), py::arg("centre_x"),
             py::arg("scale_x"), py::arg("y"), py::arg("centre_y"), py::arg("scale_y"),
             py::arg("out").noconvert());
  module.def("add_moved_products", &add_moved, py::arg("products"), py::arg("ratio_x"),
             py::arg("shift_x"), py::arg("ratio_y"), py::arg("shift_y"), py::arg("out").noconvert());
}

}  // namespace mmkernels::bindings
