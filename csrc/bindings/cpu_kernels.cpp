// Kernel matrices and the sums over pairs of samples that are made of them.
#include "cpu_bindings.hpp"

#include "../cpu/gram.hpp"

namespace mmkernels::bindings {
namespace {

// A kernel on features; the shift is chosen once, when the object is made.
struct BoundKernel {
  KernelMatrix matrix;
  bool out_of_range() const { return matrix.polynomial && matrix.polynomial->out_of_range(); }
};

std::unique_ptr<BoundKernel> bind_kernel(const BoundFeatures& features, const std::string& kernel,
                                         double bandwidth, int degree, double offset,
                                         double gamma) {
  static const std::map<std::string, Kernel> kernels{
      {"linear", Kernel::linear},       {"cosine", Kernel::linear},
      {"rbf", Kernel::gaussian},        {"laplacian", Kernel::laplacian},
      {"distance", Kernel::distance},   {"polynomial", Kernel::polynomial}};
  auto bound = std::make_unique<BoundKernel>();
  KernelMatrix& matrix = bound->matrix;
  matrix.features = features.features.get();
  matrix.kernel = kernels.at(kernel);
  matrix.bandwidth = bandwidth;
  py::gil_scoped_release unlocked;
  if (matrix.kernel == Kernel::polynomial)
    matrix.polynomial = std::make_shared<Polynomial>(*matrix.features, degree, offset, gamma,
                                                     interruptible());
  if (!bound->out_of_range()) matrix.choose_shift(interruptible());
  return bound;
}

// The caller's kernel matrix together with the array it reads from.
struct BoundPrecomputed {
  py::array array;
  std::unique_ptr<PrecomputedMatrix> matrix;
};

std::unique_ptr<BoundPrecomputed> bind_precomputed(py::array array, const std::string& type) {
  const ArrayView view = view_of(array, type);
  std::unique_ptr<PrecomputedMatrix> matrix;
  {
    py::gil_scoped_release unlocked;
    matrix = std::make_unique<PrecomputedMatrix>(view, interruptible());
  }
  return std::make_unique<BoundPrecomputed>(BoundPrecomputed{std::move(array), std::move(matrix)});
}

std::unique_ptr<BoundKernel> bind_precomputed_kernel(const BoundPrecomputed& precomputed) {
  auto bound = std::make_unique<BoundKernel>();
  bound->matrix.kernel = Kernel::precomputed;
  bound->matrix.precomputed = precomputed.matrix.get();
  return bound;
}

Estimator estimator_named(const std::string& name) {
  static const std::map<std::string, Estimator> estimators{{"gretton", Estimator::gretton},
                                                           {"song", Estimator::song},
                                                           {"lange", Estimator::lange}};
  return estimators.at(name);
}

// An HSIC, what it was centred from, what rounding may leave of zero, and what was summed.
using Value = std::tuple<double, double, double, double>;

template <auto function>
std::vector<Value> hsic_of_pairs(const std::vector<const BoundKernel*>& kernels,
                                 const std::vector<Pair>& pairs, const std::string& estimator) {
  py::gil_scoped_release unlocked;
  std::vector<KernelMatrix> matrices;
  for (const BoundKernel* kernel : kernels) matrices.push_back(kernel->matrix);
  std::vector<Value> values;
  for (const HsicValue& value :
       function(matrices, pairs, estimator_named(estimator), interruptible()))
    values.emplace_back(value.hsic, value.magnitude, value.rounding, value.summed);
  return values;
}

Value features_hsic(const BoundFeatures& x, const BoundFeatures& y, const std::string& estimator) {
  py::gil_scoped_release unlocked;
  const HsicValue value =
      hsic_by_features(*x.features, *y.features, estimator_named(estimator), interruptible());
  return {value.hsic, value.magnitude, value.rounding, value.summed};
}

template <class T>
py::array gram_array(const BoundKernel& kernel) {
  const int64_t n = kernel.matrix.samples();
  py::array_t<T> out({n, n});
  T* data = out.mutable_data();
  {
    py::gil_scoped_release unlocked;
    centered_gram<T>(kernel.matrix, data, interruptible());
  }
  return out;
}

}  // namespace

void bind_kernels(py::module_& module) {
  py::class_<BoundPrecomputed>(module, "PrecomputedMatrix")
      .def(py::init(&bind_precomputed), py::arg("array"), py::arg("type"))
      .def_property_readonly("first_nonfinite", [](const BoundPrecomputed& p) { return p.matrix->first_nonfinite; })
      .def_property_readonly("overflows", [](const BoundPrecomputed& p) { return p.matrix->overflows; })
      .def_property_readonly("asymmetric", [](const BoundPrecomputed& p) {
        return std::make_pair(p.matrix->asymmetric_row, p.matrix->asymmetric_column);
      });
  py::class_<BoundKernel>(module, "Kernel")
      .def(py::init(&bind_kernel), py::arg("features"), py::arg("kernel"), py::kw_only(),
           py::arg("bandwidth") = 1.0, py::arg("degree") = 1, py::arg("offset") = 0.0,
           py::arg("gamma") = 1.0, py::keep_alive<1, 2>())
      .def(py::init(&bind_precomputed_kernel), py::arg("precomputed"), py::keep_alive<1, 2>())
      .def_property_readonly("out_of_range", &BoundKernel::out_of_range)
      .def_property_readonly("bound", [](const BoundKernel& k) { return k.matrix.bound(); })
      .def_property_readonly("unit", [](const BoundKernel& k) { return k.matrix.unit(); });
  module.def("hsic_by_tiles", &hsic_of_pairs<hsic_by_tiles>, py::arg("kernels"), py::arg("pairs"), py::arg("estimator"));
  module.def("hsic_exactly", &hsic_of_pairs<hsic_exactly>, py::arg("kernels"), py::arg("pairs"), py::arg("estimator"));
  module.def("hsic_by_features", &features_hsic, py::arg("x"), py::arg("y"), py::arg("estimator"));
  module.def("centered_gram_float32", &gram_array<float>, py::arg("kernel"));
  module.def("centered_gram_float64", &gram_array<double>, py::arg("kernel"));
}

}  // namespace mmkernels::bindings
