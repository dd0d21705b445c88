// Products of features in float64, and how they move with the mean.
#include "cpu_bindings.hpp"

#include "../cpu/lifted_products.hpp"

namespace mmkernels::bindings {
namespace {

Doubles lifted(const BoundFeatures& x, const BoundFeatures& y) {
  Doubles out({x.features->view.columns + 2, y.features->view.columns + 2});
  double* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    lifted_products(*x.features, *y.features, data, interruptible());
  }
  return out;
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
  module.def("lifted_products", &lifted, py::arg("x"), py::arg("y"));
  module.def("add_moved_products", &add_moved, py::arg("products"), py::arg("ratio_x"),
             py::arg("shift_x"), py::arg("ratio_y"), py::arg("shift_y"), py::arg("out").noconvert());
}

}  // namespace mmkernels::bindings
