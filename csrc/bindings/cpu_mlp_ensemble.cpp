// Ensembles of small multi-layer perceptrons.
#include "cpu_bindings.hpp"

#include <limits>

#include "../core/batch_order.hpp"
#include "../cpu/mlp_ensemble.hpp"

namespace mmkernels::bindings {
namespace {

using Floats = py::array_t<float, py::array::c_style>;

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

MlpNetwork network_of(const py::handle& network) {
  const auto activation = network.attr("activation").cast<std::string>();
  return {
      .depth = network.attr("depth").cast<int>(),
      .width = network.attr("width").cast<int>(),
      .activation = activation == "tanh" ? Activation::tanh : Activation::rectifier,
      .slope = activation == "leaky_relu" ? network.attr("slope").cast<float>() : 0.0f,
      .learning_rate = network.attr("learning_rate").cast<double>(),
      .weight_decay = network.attr("weight_decay").cast<double>(),
      .epochs = network.attr("epochs").cast<int64_t>(),
      .order = network.attr("order").cast<uint64_t>(),
      .data = network.attr("data").cast<int64_t>(),
  };
}

// Of a data set whose arrays were checked: views, which it keeps alive.
MlpSamples samples_of(const py::handle& data, const std::string& prefix, Loss loss) {
  const auto inputs = data.attr((prefix + "inputs").c_str()).cast<Floats>();
  const py::object targets = data.attr((prefix + "targets").c_str());
  const bool labels = loss == Loss::cross_entropy;
  return {inputs.data(), labels ? targets.cast<Indices>().data() : nullptr,
          labels ? nullptr : targets.cast<Floats>().data(), inputs.shape(0)};
}

MlpData data_of(const py::handle& data, Loss loss) {
  const auto inputs = data.attr("inputs").cast<Floats>();
  return {static_cast<int>(inputs.shape(1)), data.attr("outputs").cast<int>(),
          samples_of(data, "", loss), samples_of(data, "valid_", loss)};
}

// What comes back of a network, in arrays that are NaN until they are written.
struct Arrays {
  Arrays(const Floats& initial, int64_t epochs, int64_t steps)
      : parameters(initial.size()),
        step_losses(steps),
        train_loss(epochs),
        valid_loss(epochs),
        valid_score(epochs) {
    std::copy_n(initial.data(), initial.size(), parameters.mutable_data());
    std::fill_n(step_losses.mutable_data(), steps, std::numeric_limits<float>::quiet_NaN());
    for (Doubles* history : {&train_loss, &valid_loss, &valid_score})
      std::fill_n(history->mutable_data(), epochs, std::numeric_limits<double>::quiet_NaN());
  }

  MlpResult result() {
    return {parameters.mutable_data(), train_loss.mutable_data(), valid_loss.mutable_data(),
            valid_score.mutable_data(), step_losses.mutable_data()};
  }

  Floats parameters, step_losses;
  Doubles train_loss, valid_loss, valid_score;
};

py::list train_networks(const py::list& networks, const py::list& data,
                        const std::vector<Floats>& initial, const std::string& loss_name,
                        int64_t batch_size, double clip, int64_t record_steps,
                        const py::object& progress) {
  const MlpOptions options{loss_name == "cross_entropy" ? Loss::cross_entropy
                           : loss_name == "l1"          ? Loss::l1
                                                        : Loss::mse,
                           batch_size, clip, record_steps};
  std::vector<MlpData> sets;
  for (const py::handle& one : data) sets.push_back(data_of(one, options.loss));
  std::vector<MlpNetwork> descriptions;
  std::vector<Arrays> arrays;
  std::vector<MlpResult> results;
  for (size_t i = 0; i < networks.size(); ++i) {
    descriptions.push_back(network_of(networks[i]));
    const MlpNetwork& network = descriptions.back();
    const int64_t batches = (sets[network.data].train.count + batch_size - 1) / batch_size;
    const int64_t steps = record_steps / batches < network.epochs
                              ? record_steps
                              : network.epochs * batches;
    arrays.emplace_back(initial[i], network.epochs, steps);
    results.push_back(arrays.back().result());
  }

  std::atomic<int64_t> finished{0};
  int64_t told = 0;
  const auto tell = [&] {
    const int64_t now = finished.load();
    if (!progress.is_none() && now > told) progress(told = now);
  };
  Call call = interruptible();
  call.poll = [&, check = call.poll] {
    check();
    py::gil_scoped_acquire lock;
    tell();
  };
  {
    py::gil_scoped_release release;
    train(descriptions, sets, options, results, finished, call);
  }
  tell();

  py::list found;
  for (size_t i = 0; i < results.size(); ++i)
    found.append(py::make_tuple(arrays[i].parameters, results[i].best_epoch, arrays[i].train_loss,
                                arrays[i].valid_loss, arrays[i].valid_score, arrays[i].step_losses,
                                results[i].diverged));
  return found;
}

}  // namespace

void bind_mlp_ensemble(py::module_& module) {
  module.def("batch_order", &visited, py::arg("seed"), py::arg("epoch"), py::arg("n"));
  module.def("train_mlp_ensemble", &train_networks, py::arg("networks"), py::arg("data"),
             py::arg("initial"), py::arg("loss"), py::arg("batch_size"), py::arg("clip"),
             py::arg("record_steps"), py::arg("progress"));
}

}  // namespace mmkernels::bindings
