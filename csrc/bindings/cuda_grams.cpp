// Kernel matrices: prepared once, and what is computed from them.
#include <map>

#include "../cuda/gram.hpp"
#include "cuda_bindings.hpp"

namespace mmkernels::bindings {
namespace {

using cuda::Kernel;

template <class T>
T named(const std::map<std::string, T>& known, const std::string& name) {
  return known.at(name);
}

Estimator estimator_named(const std::string& name) {
  return named<Estimator>(
      {{"gretton", Estimator::gretton}, {"song", Estimator::song}, {"lange", Estimator::lange}}, name);
}

// A matrix in memory of the caller's, which must live as long as this, as must the array: pairs of
// rows that are near duplicates are read again.
class Gram {
 public:
  Gram(BoundArray array, const std::string& kernel, double bandwidth, int degree, double offset,
       double gamma, const std::string& precision)
      : array_(std::move(array)),
        precision_(named<Precision>({{"fast", Precision::fast},
                                     {"high", Precision::high},
                                     {"exact", Precision::exact}},
                                    precision)) {
    const DeviceGuard guard(array_.device());
    path_ = cuda::chosen_path();
    choice_ = {named<Kernel>({{"linear", Kernel::linear},
                              {"cosine", Kernel::linear},
                              {"rbf", Kernel::gaussian},
                              {"laplacian", Kernel::laplacian},
                              {"distance", Kernel::distance},
                              {"polynomial", Kernel::polynomial}},
                             kernel),
               kernel == "cosine", bandwidth, degree, offset, gamma};
  }

  size_t bytes() const {
    return bytes_taken([this](Workspace& workspace) { take(workspace); });
  }
  // Only while it is prepared.
  size_t search_bytes() const {
    return bytes_taken([this](Workspace& workspace) { take_search(workspace); });
  }

  void prepare(Address memory, Address search_memory, Address stream) {
    const py::gil_scoped_release released;
    const DeviceGuard guard(array_.device());
    Workspace workspace = workspace_at(memory), search = workspace_at(search_memory);
    matrix_ = take(workspace);
    prepare_kernel_matrix(matrix_, take_search(search), stream_at(stream));
  }

  const KernelMatrix& matrix() const { return matrix_; }
  int device() const { return array_.device(); }
  int64_t samples() const { return array_.view().rows; }
  Address bandwidth() const { return reinterpret_cast<Address>(&matrix_.state->bandwidth); }

 private:
  KernelMatrix take(Workspace& workspace) const {
    return take_kernel_matrix(array_.view(), choice_, precision_, path_, workspace);
  }
  MedianSearch take_search(Workspace& workspace) const {
    const bool exponential = choice_.kernel == Kernel::gaussian || choice_.kernel == Kernel::laplacian;
    return take_median_search(exponential && choice_.bandwidth == 0, workspace);
  }

  BoundArray array_;
  KernelChoice choice_;
  Precision precision_;
  cuda::Path path_;
  KernelMatrix matrix_{};
};

using Grams = std::vector<const Gram*>;

GramPass plan(const Grams& grams, Workspace& workspace) {
  return take_gram_pass(grams[0]->samples(), static_cast<int>(grams.size()), workspace);
}

size_t alignment_workspace(const Grams& grams) {
  return bytes_taken([&](Workspace& workspace) { plan(grams, workspace); });
}

// write(a pass that has run).
template <class Write>
void with_pass(const Grams& grams, const std::string& estimator, Address memory, Address stream,
               Write&& write) {
  const Estimator chosen = estimator_named(estimator);
  const py::gil_scoped_release released;
  const DeviceGuard guard(grams[0]->device());
  std::vector<KernelMatrix> matrices;
  for (const Gram* gram : grams) matrices.push_back(gram->matrix());
  Workspace workspace = workspace_at(memory);
  const GramPass pass = plan(grams, workspace);
  run_gram_pass(matrices, pass, chosen, stream_at(stream));
  write(pass);
}

// Of the first matrix and the last.
void hsic(const Grams& grams, const std::string& estimator, Address out, Address memory,
          Address stream) {
  with_pass(grams, estimator, memory, stream, [&](const GramPass& pass) {
    write_hsic(pass, 0, pass.count - 1, pointer_to<double>(out), stream_at(stream));
  });
}

void cka_matrix(const Grams& grams, const std::vector<int>& left, const std::vector<int>& right,
                const std::string& estimator, Address out, Address memory, Address stream) {
  with_pass(grams, estimator, memory, stream, [&](const GramPass& pass) {
    write_cka(pass, left, right, pointer_to<double>(out), stream_at(stream));
  });
}

size_t centered_gram_workspace(const Gram& gram) {
  return bytes_taken([&](Workspace& workspace) { take_centered_gram(gram.samples(), workspace); });
}

void centered_gram(const Gram& gram, bool wide, Address out, Address memory, Address stream) {
  const py::gil_scoped_release released;
  const DeviceGuard guard(gram.device());
  Workspace workspace = workspace_at(memory);
  write_centered_gram(gram.matrix(), take_centered_gram(gram.samples(), workspace), wide,
                      pointer_to<void>(out), stream_at(stream));
}

// A value in device memory to another place there.
void copy_bandwidth(const Gram& gram, Address out, Address stream) {
  const DeviceGuard guard(gram.device());
  copy(pointer_to<void>(out), pointer_to<void>(gram.bandwidth()), sizeof(double), stream_at(stream));
}

}  // namespace

void bind_grams(py::module_& module) {
  py::class_<Gram>(module, "Gram")
      .def(py::init<BoundArray, const std::string&, double, int, double, double, const std::string&>(),
           py::arg("array"), py::arg("kernel"), py::arg("bandwidth"), py::arg("degree"),
           py::arg("offset"), py::arg("gamma"), py::arg("precision"))
      .def_property_readonly("bytes", &Gram::bytes)
      .def_property_readonly("search_bytes", &Gram::search_bytes)
      .def("prepare", &Gram::prepare, py::arg("memory"), py::arg("search_memory"), py::arg("stream"))
      .def("copy_bandwidth", &copy_bandwidth, py::arg("out"), py::arg("stream"));
  module.def("alignment_workspace", &alignment_workspace, py::arg("grams"));
  module.def("hsic", &hsic, py::arg("grams"), py::arg("estimator"), py::arg("out"),
             py::arg("workspace"), py::arg("stream"));
  module.def("cka_matrix", &cka_matrix, py::arg("grams"), py::arg("left"), py::arg("right"),
             py::arg("estimator"), py::arg("out"), py::arg("workspace"), py::arg("stream"));
  module.def("centered_gram_workspace", &centered_gram_workspace, py::arg("gram"));
  module.def("centered_gram", &centered_gram, py::arg("gram"), py::arg("wide"), py::arg("out"),
             py::arg("workspace"), py::arg("stream"));
}

}  // namespace mmkernels::bindings
