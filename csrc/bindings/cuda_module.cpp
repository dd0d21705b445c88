// mmkernels._cuda: the CUDA back end for Python. The tests build it on their shim by another name.
#include "cuda_bindings.hpp"

#ifndef MMKERNELS_CUDA_MODULE
#define MMKERNELS_CUDA_MODULE _cuda
#endif

PYBIND11_MODULE(MMKERNELS_CUDA_MODULE, module) {
  using namespace mmkernels;
  module.doc() = "The CUDA back end of mmkernels; use the functions of mmkernels instead.";
  module.def(
      "availability",
      [] {
        const cuda::Availability found = cuda::availability();
        return pybind11::make_tuple(found.devices, found.reason);
      },
      "How many devices there are, and a sentence why where there are none.");
  bindings::bind_arrays(module);
  bindings::bind_features(module);
  bindings::bind_grams(module);
  bindings::bind_neighbors(module);
  bindings::bind_lists(module);
  bindings::bind_mlp_ensemble(module);
  bindings::bind_products(module);
  bindings::bind_streaming(module);
}
