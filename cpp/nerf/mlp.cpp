// SPDX-License-Identifier: Apache-2.0
// Splits a network's work over threads by rows. Each part of the rows has its own sum of the gradient by the
// parameters, and the parts are added in order.
#include "nerf/mlp.h"

#include <algorithm>
#include <memory>
#include <new>

#include "core/huge_pages.h"
#include "core/parallel.h"
#include "nerf/mlp_lanes.hd.h"
#include "nerf/mlp_task.h"

#define FASTCV_LEAF "nerf/mlp.leaf.h"
#include "core/leaf.h"

namespace fastcv::nerf {
namespace {

template <class T>
void rows(const MlpTask<T>& task, T* out) {
  FASTCV_DISPATCH(nerf::mlp(task, out));
}
template <class T>
void rows_vjp(const MlpTask<T>& task, const T* grad, T* by_inputs, MlpReal<T>* sums) {
  FASTCV_DISPATCH(nerf::mlp_vjp(task, grad, by_inputs, sums));
}

// Zeros from the beginning of a cache line on.
template <class P>
class Zeros {
 public:
  explicit Zeros(std::int64_t count)
      : values_(static_cast<P*>(::operator new(static_cast<std::size_t>(count) * sizeof(P), kLine))) {
    std::fill_n(values_.get(), count, P(0));
  }
  P* get() const { return values_.get(); }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(P* values) const { ::operator delete(values, kLine); }
  };
  std::unique_ptr<P, Free> values_;
};

// Weights as they are computed with.
template <class T>
class Weights {
 public:
  using Real = MlpReal<T>;
  using Block = generic::MlpBlock<generic::MlpLanes<Real>>;

  Weights(const Mlp& net, const MlpArrays<T>& arrays) : packing_{net}, values_(packing_.size()), arrays_(arrays) {
    fill(arrays.parameters, values_);
    if (arrays.parameter_tangents == nullptr) return;
    tangents_ = std::make_unique<Zeros<Real>>(packing_.size());
    fill(arrays.parameter_tangents, *tangents_);
  }
  const typename Block::Packing& packing() const { return packing_; }
  // What a task writes to while it runs.
  Zeros<Real> work(bool keeps) const {
    return Zeros<Real>(Block::work_size(packing_, arrays_.along(), keeps, kMlpPoints));
  }
  MlpTask<T> task(std::int64_t begin, std::int64_t end, const Zeros<Real>& work) const {
    return {packing_.net, arrays_, begin, end, values_.get(), tangents_ ? tangents_->get() : nullptr, work.get()};
  }

 private:
  void fill(const T* parameters, const Zeros<Real>& to) const {
    const generic::MlpPack<Real, T, generic::MlpLanes<Real>::kGap> pack{packing_, parameters, to.get()};
    const std::int64_t count = generic::MlpRow::count(packing_.net);
    for (std::int64_t i = 0; i < count; ++i) pack(i, 0, packing_.net.widest() + 1);
  }

  const typename Block::Packing packing_;
  const Zeros<Real> values_;
  std::unique_ptr<Zeros<Real>> tangents_{};
  const MlpArrays<T> arrays_;
};

}  // namespace

template <class T>
void mlp(const Mlp& net, const MlpArrays<T>& arrays, T* out, int num_threads) {
  constexpr std::int64_t kTask = 1 << 23;  // products of a task
  const Weights<T> weights(net, arrays);
  advise_huge_pages(out, static_cast<std::size_t>(arrays.rows * net.outputs) * sizeof(T));
  const std::int64_t grain = std::max<std::int64_t>(kTask / net.num_parameters() / kMlpPoints, 1) * kMlpPoints;
  parallel_for(arrays.rows, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    const auto work = weights.work(false);
    rows(weights.task(begin, end, work), out);
  });
}

template <class T>
void mlp_vjp(const Mlp& net, const MlpArrays<T>& arrays, const T* grad, T* by_inputs, MlpReal<T>* by_parameters,
             int num_threads) {
  constexpr std::int64_t kMostParts = 64, kNumbers = 1 << 18;
  using Real = MlpReal<T>;
  const Weights<T> weights(net, arrays);
  const std::int64_t part = mlp_part(net, arrays.rows, kMostParts), parts = (arrays.rows + part - 1) / part;
  const std::int64_t size = by_parameters == nullptr ? 0 : weights.packing().sums();
  if (by_inputs != nullptr) {
    advise_huge_pages(by_inputs, static_cast<std::size_t>(arrays.rows * net.inputs) * sizeof(T));
  }
  const std::unique_ptr<Real[]> sums(new Real[static_cast<std::size_t>(parts * size)]);
  parallel_for(arrays.rows, part, num_threads, [&](std::int64_t begin, std::int64_t end) {
    const auto work = weights.work(true);
    Real* own = sums.get() + begin / part * size;
    std::fill_n(own, size, Real(0));
    rows_vjp(weights.task(begin, end, work), grad, by_inputs, size == 0 ? nullptr : own);
  });
  if (by_parameters == nullptr) return;
  const generic::MlpAddParts<Real, generic::MlpLanes<Real>::kGap> add{weights.packing(), sums.get(), parts,
                                                                      by_parameters};
  const std::int64_t count = generic::MlpRow::count(net), grain = kNumbers / (parts * net.widest() + 1) + 1;
  parallel_for(count, grain, num_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) add(i, 0, net.widest() + 1);
  });
}

#define FASTCV_INSTANTIATE(T)                                  \
  template void mlp(const Mlp&, const MlpArrays<T>&, T*, int); \
  template void mlp_vjp(const Mlp&, const MlpArrays<T>&, const T*, T*, MlpReal<T>*, int);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
FASTCV_INSTANTIATE(Half)
FASTCV_INSTANTIATE(Bfloat)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::nerf
