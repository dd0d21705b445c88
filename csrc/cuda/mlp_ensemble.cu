// A block trains its network for some epochs of a launch. Parameters, gradient, and the activations
// of a chunk of samples stay in shared memory; moments are read and written once a step.
#include "mlp_ensemble.hpp"

#include <algorithm>
#include <array>

#include "mlp_training.cuh"

namespace mmkernels::cuda {
namespace {

constexpr int kMostThreads = kMostWarps * 32;
constexpr std::array kChunks{128, 64, 32};
constexpr int kHeadBytes = Worked<true>::kBytes;
static_assert(sizeof(Worked<true>) <= kHeadBytes);

size_t layout_bytes(const EnsembleNetwork& network) {
  return BlockLayout(network.shape, network.chunk).floats * sizeof(float);
}

struct Launch {
  const EnsembleNetwork* networks;
  const int32_t* listed;
  TrainingLoss loss;
  int batch_size;
  float clip;
  int64_t epochs;
};

// Mean loss of a batch, and a step.
template <bool kInShared>
__device__ __forceinline__ double train_batch(Worked<kInShared>& net, Progress& progress,
                                              const uint32_t* visited, int batch,
                                              const Launch& launch) {
  const int chunk = net.network.chunk, outputs = net.network.shape.outputs;
  double sum = 0;
  for (int first = 0; first < batch; first += chunk) {
    const int count = batch - first < chunk ? batch - first : chunk;
    load_inputs(net, net.network.training, visited, first, count);
    const int quads = padded(count) / kSide;
    forward(net, quads);
    float* found = net.errors(net.network.shape.depth);
    for (int s = ptx::thread(); s < quads * kSide; s += ptx::threads()) {
      if (s < count) {
        sum += loss_and_errors(found + s, chunk, outputs, net.network.training.targets,
                               visited[first + s], launch.loss, batch)
                   .loss;
      } else {
        for (int i = 0; i < outputs; ++i) found[i * chunk + s] = 0;
      }
    }
    ptx::sync_threads();
    backward(net, quads, first == 0);
  }
  update(net, progress, launch.clip);
  // Its barriers also come between the new parameters and whoever reads them.
  return sum_of_block(sum, net.slots) / batch;
}

struct Validated {
  double loss, score;
};

template <bool kInShared>
__device__ __forceinline__ Validated validate(Worked<kInShared>& net, TrainingLoss loss) {
  const int chunk = net.network.chunk;
  const int64_t samples = net.network.validation.count;
  double sum = 0, scores = 0;
  for (int64_t first = 0; first < samples; first += chunk) {
    const int count = samples - first < chunk ? static_cast<int>(samples - first) : chunk;
    load_inputs(net, net.network.validation, nullptr, first, count);
    forward(net, padded(count) / kSide);
    const float* found = net.errors(net.network.shape.depth);
    for (int s = ptx::thread(); s < count; s += ptx::threads()) {
      const SampleLoss own = loss_alone(found + s, chunk, net.network.shape.outputs,
                                        net.network.validation.targets, first + s, loss);
      sum += own.loss;
      scores += own.score;
    }
  }
  sum = sum_of_block(sum, net.slots) / static_cast<double>(samples);
  return {sum, sum_of_block(scores, net.slots) / static_cast<double>(samples)};
}

__device__ __forceinline__ void copy_floats(float* to, const float* from, int count) {
  for (int i = ptx::thread(); i < count; i += ptx::threads()) to[i] = from[i];
}

__device__ __forceinline__ bool is_finite(double x) { return x - x == 0; }

// Notes the epoch, and keeps the parameters if they are the best so far.
template <bool kInShared>
__device__ __forceinline__ void end_epoch(const Worked<kInShared>& net, Progress& progress,
                                          double loss, const Validated& valid, bool is_accuracy) {
  const EnsembleNetwork& network = net.network;
  const int64_t epoch = progress.epoch++;
  if (!is_finite(loss) || !is_finite(valid.loss)) {
    progress.diverged = progress.epoch;
    return;
  }
  if (ptx::thread() == 0) {
    network.curves[epoch] = loss;
    network.curves[network.epochs + epoch] = valid.loss;
    network.curves[2 * network.epochs + epoch] = valid.score;
  }
  if (progress.best_epoch == 0 || (is_accuracy ? valid.score > progress.best_score
                                               : valid.score < progress.best_score)) {
    progress.best_epoch = progress.epoch;
    progress.best_score = valid.score;
    copy_floats(network.best, net.parameters(), network.shape.parameters());
  }
}

// The mean loss of an epoch's samples as they were met; not finite as soon as one batch's is not.
template <bool kInShared>
__device__ __forceinline__ double train_epoch(Worked<kInShared>& net, Progress& progress,
                                              const Launch& launch) {
  const EnsembleNetwork& network = net.network;
  const int64_t n = network.training.count;
  int64_t place = progress.epoch * ((n + launch.batch_size - 1) / launch.batch_size);
  double sum = 0;
  for (int64_t first = 0; first < n; first += launch.batch_size, ++place) {
    const int batch =
        static_cast<int>(n - first < launch.batch_size ? n - first : launch.batch_size);
    const double loss = train_batch(net, progress, network.visited + first, batch, launch);
    if (ptx::thread() == 0 && place < network.recorded)
      network.step_losses[place] = static_cast<float>(loss);
    if (!is_finite(loss)) return loss;
    sum += loss * batch;
  }
  return sum / static_cast<double>(n);
}

template <bool kInShared>
__global__ void __launch_bounds__(kMostThreads, 1) train(Launch launch) {
  auto& net = *reinterpret_cast<Worked<kInShared>*>(ptx::shared());
  const EnsembleNetwork& network = net.network;
  if (ptx::thread() == 0) {
    net.network = launch.networks[launch.listed[ptx::block()]];
    net.layout = BlockLayout(network.shape, network.chunk);
  }
  ptx::sync_threads();
  Progress progress = *network.progress;
  copy_floats(net.parameters(), network.parameters, network.shape.parameters());
  // Rows of the head that are only padding are never written again.
  for (int i = net.layout.errors_at + ptx::thread(); i < net.layout.floats; i += ptx::threads())
    net.numbers()[i] = 0;
  for (int64_t done = 0;
       done < launch.epochs && progress.epoch < network.epochs && !progress.diverged; ++done) {
    write_order(network.order, progress.epoch, network.training.count, network.visited, net.order,
                net.counts);
    ptx::sync_threads();
    const double loss = train_epoch(net, progress, launch);
    const Validated valid = is_finite(loss) ? validate(net, launch.loss) : Validated{};
    end_epoch(net, progress, loss, valid, launch.loss == TrainingLoss::cross_entropy);
  }
  copy_floats(network.parameters, net.parameters(), network.shape.parameters());
  if (ptx::thread() == 0) *network.progress = progress;
}

template <bool kInShared>
void launch_listed(const Ensemble& ensemble, const std::vector<int32_t>& listed, int64_t epochs,
                   int32_t* place, Stream stream) {
  size_t bytes = 0;
  int threads = 64;
  for (int32_t index : listed) {
    const EnsembleNetwork& network = ensemble.networks[index];
    if (kInShared) bytes = std::max(bytes, layout_bytes(network));
    const int items = padded(network.shape.width) / kSide * (network.chunk / kSide);
    threads = std::max(threads, std::min((items + 31) / 32 * 32, kMostThreads));
  }
  copy(place, listed.data(), listed.size() * sizeof(int32_t), stream);
  launch("train", train<kInShared>, static_cast<int64_t>(listed.size()), threads,
         kHeadBytes + bytes, stream,
         Launch{ensemble.on_device, place, ensemble.loss, ensemble.batch_size, ensemble.clip, epochs});
}

}  // namespace

void place_network(EnsembleNetwork& network, int batch_size) {
  network.is_in_shared = true;
  for (int chunk : kChunks) {
    network.chunk = chunk;
    // A chunk no larger than it needs to be leaves shared memory to other blocks.
    if (chunk / 2 >= batch_size && chunk > kChunks.back()) continue;
    if (kHeadBytes + layout_bytes(network) <= kSharedMost) return;
  }
  network.chunk = kChunks.front();
  network.is_in_shared = false;
}

void take_ensemble(Ensemble& ensemble, Workspace& workspace) {
  for (EnsembleNetwork& network : ensemble.networks) {
    const int count = network.shape.parameters();
    network.parameters = workspace.take<float>(count);
    network.best = workspace.take<float>(count);
    network.first = workspace.take<float>(count);
    network.second = workspace.take<float>(count);
    const int64_t floats = BlockLayout(network.shape, network.chunk).floats;
    network.scratch = network.is_in_shared ? nullptr : workspace.take<float>(floats);
    network.visited = workspace.take<uint32_t>(network.training.count);
    network.curves = workspace.take<double>(3 * network.epochs);
    network.step_losses = workspace.take<float>(network.recorded);
  }
  const auto count = static_cast<int64_t>(ensemble.networks.size());
  ensemble.on_device = workspace.take<EnsembleNetwork>(count);
  ensemble.listed = workspace.take<int32_t>(count);
  ensemble.progress = workspace.take<Progress>(count);
  for (int64_t i = 0; i < count; ++i) ensemble.networks[i].progress = ensemble.progress + i;
}

void start_ensemble(const Ensemble& ensemble, Stream stream) {
  for (const EnsembleNetwork& network : ensemble.networks) {
    const size_t bytes = network.shape.parameters() * sizeof(float);
    copy(network.best, network.parameters, bytes, stream);
    fill(network.first, 0, bytes, stream);
    fill(network.second, 0, bytes, stream);
    // NaN, as of epochs and steps after the end of the training.
    fill(network.curves, 0xff, 3 * network.epochs * sizeof(double), stream);
    fill(network.step_losses, 0xff, network.recorded * sizeof(float), stream);
  }
  const std::vector<Progress> begun(ensemble.networks.size(), {0, 0, 0, 0, 1, 1});
  copy(ensemble.progress, begun.data(), begun.size() * sizeof(Progress), stream);
  copy(ensemble.on_device, ensemble.networks.data(),
       ensemble.networks.size() * sizeof(EnsembleNetwork), stream);
}

void train_epochs(const Ensemble& ensemble, const std::vector<int32_t>& listed, int64_t epochs,
                  Stream stream) {
  std::vector<int32_t> shared, global;
  for (int32_t index : listed)
    (ensemble.networks[index].is_in_shared ? shared : global).push_back(index);
  launch_listed<true>(ensemble, shared, epochs, ensemble.listed, stream);
  launch_listed<false>(ensemble, global, epochs, ensemble.listed + shared.size(), stream);
}

}  // namespace mmkernels::cuda
