#include "mlp_ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <vector>

#include "mlp_network.hpp"
#include "mlp_samples.hpp"

namespace mmkernels::cpu {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A data set as the kernels read it.
struct Prepared {
  Prepared(const MlpData& data, Loss loss)
      : inputs(data.inputs), outputs(data.outputs), train(data, loss), valid(data, loss) {}

  int inputs, outputs;
  MlpRows train;
  MlpBlocks valid;
};

// Data sets as long as a network learns them: a call may name hundreds, and to prepare one anew
// takes no longer than part of an epoch.
class PreparedSets {
 public:
  PreparedSets(std::span<const MlpData> data, Loss loss)
      : data_(data), loss_(loss), prepared_(data.size()) {}

  std::shared_ptr<const Prepared> at(int64_t index) {
    std::lock_guard lock(mutex_);
    std::shared_ptr<const Prepared> found = prepared_[index].lock();
    if (!found) prepared_[index] = found = std::make_shared<const Prepared>(data_[index], loss_);
    return found;
  }

 private:
  const std::span<const MlpData> data_;
  const Loss loss_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<const Prepared>> prepared_;
};

// Ends a training of a call that was stopped.
struct NotWanted {};

class Training {
 public:
  Training(const MlpNetwork& network, const Prepared& data, const MlpOptions& options,
           const std::function<bool()>& wanted, MlpResult& result)
      : network_(network),
        data_(data),
        options_(options),
        wanted_(wanted),
        result_(result),
        trainee_(network, data.inputs, data.outputs, options.loss, result.parameters),
        order_(data.train.count + 1),
        block_(make_aligned<float>(int64_t{kBlockSamples} * data.train.size.values())) {}

  void run() {
    double best = -std::numeric_limits<double>::infinity();
    for (int64_t epoch = 0; epoch < network_.epochs; ++epoch) {
      const double train_loss = learn(epoch);
      const LossSums valid = std::isfinite(train_loss) ? validate() : LossSums{kNaN, kNaN};
      if (!std::isfinite(valid.loss)) {
        result_.diverged = epoch + 1;
        return;
      }
      result_.train_loss[epoch] = train_loss;
      result_.valid_loss[epoch] = valid.loss;
      result_.valid_score[epoch] = valid.score;
      const double merit = options_.loss == Loss::cross_entropy ? valid.score : -valid.score;
      if (merit > best) {
        best = merit;
        result_.best_epoch = epoch + 1;
        std::copy_n(trainee_.parameters(), trainee_.parameter_count(), result_.parameters);
      }
    }
  }

 private:
  // The mean loss of an epoch's samples as they were met; not finite as soon as one batch's is not.
  double learn(int64_t epoch) {
    const int64_t n = data_.train.count;
    mlp_kernels().order(batch_order(network_.order, epoch, n), n, order_.data());
    double sum = 0;
    for (int64_t first = 0; first < n; first += options_.batch_size) {
      const int64_t count = std::min(options_.batch_size, n - first);
      const double loss = step(first, count);
      if (step_ < options_.record_steps) result_.step_losses[step_] = static_cast<float>(loss);
      ++step_;
      if (!std::isfinite(loss)) return loss;
      sum += loss * static_cast<double>(count);
    }
    return sum / static_cast<double>(n);
  }

  double step(int64_t first, int64_t count) {
    const double terms = static_cast<double>(count * data_.train.size.targets);
    double sum = 0;
    for (int64_t at = first; at < first + count; at += kBlockSamples) {
      stop_unless_wanted();
      const int samples = static_cast<int>(std::min<int64_t>(kBlockSamples, first + count - at));
      data_.train.gather(order_.data() + at, samples, block_.get());
      const int64_t following = at + samples;
      data_.train.prefetch(
          order_.data() + following,
          static_cast<int>(std::min<int64_t>(kBlockSamples, data_.train.count - following)));
      sum += trainee_.learn(block_.get(), samples, static_cast<float>(1 / terms)).loss;
    }
    trainee_.end_step(options_.clip);
    return sum / terms;
  }

  // Means over the validation samples.
  LossSums validate() {
    const MlpBlocks& valid = data_.valid;
    LossSums total{};
    for (int64_t first = 0; first < valid.count; first += kBlockSamples) {
      stop_unless_wanted();
      const int samples = static_cast<int>(std::min<int64_t>(kBlockSamples, valid.count - first));
      const LossSums sums = trainee_.evaluate(valid.block(first / kBlockSamples), samples);
      total.loss += sums.loss;
      total.score += sums.score;
    }
    const double terms = static_cast<double>(valid.count * valid.size.targets);
    return {total.loss / terms, total.score / terms};
  }

  void stop_unless_wanted() const {
    if (!wanted_()) throw NotWanted{};
  }

  const MlpNetwork& network_;
  const Prepared& data_;
  const MlpOptions& options_;
  const std::function<bool()>& wanted_;
  MlpResult& result_;
  MlpTrainee trainee_;
  std::vector<uint32_t> order_;
  AlignedBuffer<float> block_;
  int64_t step_ = 0;
};

// In multiplications, roughly.
double work(const MlpNetwork& network, const MlpData& data) {
  const double width = network.width;
  return static_cast<double>(network.epochs) * static_cast<double>(data.train.count) * width *
         (data.inputs + data.outputs + (network.depth - 1) * width);
}

}  // namespace

void train(std::span<const MlpNetwork> networks, std::span<const MlpData> data,
           const MlpOptions& options, std::span<MlpResult> results,
           std::atomic<int64_t>& finished, const Call& call) {
  PreparedSets prepared(data, options.loss);
  // The longest first, so that no thread is left with one when the others are done.
  std::vector<int64_t> turn(networks.size());
  std::iota(turn.begin(), turn.end(), 0);
  std::stable_sort(turn.begin(), turn.end(), [&](int64_t a, int64_t b) {
    return work(networks[a], data[networks[a].data]) > work(networks[b], data[networks[b].data]);
  });
  parallel_for_long(static_cast<int64_t>(turn.size()), call,
                    [&](int64_t unit, const std::function<bool()>& wanted) {
                      const MlpNetwork& network = networks[turn[unit]];
                      const auto own = prepared.at(network.data);
                      try {
                        Training(network, *own, options, wanted, results[turn[unit]]).run();
                        ++finished;
                      } catch (const NotWanted&) {
                      }
                    });
}

}  // namespace mmkernels::cpu
