// SPDX-License-Identifier: Apache-2.0
// Loops and sums on whatever runs block kernels. An executor has
//   Buffer<T>                  an array on its side: data(), size()
//   allocate<T>(n)             uninitialised; throws std::bad_alloc
//   upload(const T*, n)        a Buffer with a copy
//   download(const T*, n, T*)  waits for what was launched before
//   launch(blocks, kernel)     block_kernels.hd.h; does not wait
//   scratch()                  kScratch doubles on its side
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/block_kernels.hd.h"
#include "core/interrupt.h"

namespace fastcv::FASTCV_ISA {

// A download in the middle of the work, where Ctrl-C may be answered.
template <class Executor, class T>
void read(Executor& on, const T* from, std::int64_t n, T* to) {
  poll_interrupt();
  on.download(from, n, to);
}

constexpr std::int64_t kMostPartial = 1024;          // blocks of a sum: a function of n alone, as is the order
constexpr std::int64_t kScratch = kMostPartial + 1;  // and the result

template <class Executor, class Body>
void for_each(Executor& on, std::int64_t n, const Body& body) {
  const ForEach<Body> kernel{n, body};
  if (n > 0) on.launch(kernel.num_blocks(), kernel);
}

template <class Executor, class Op>
void sum_rows(Executor& on, std::int64_t num_rows, const Op& op) {
  if (num_rows > 0) on.launch(num_rows, SumRows<Op>{op});
}

// *out = term(0) ... term(n - 1) combined.
template <class Combine, class Executor, class Term>
void reduce_into(Executor& on, std::int64_t n, const Term& term, double* out) {
  using First = Reduce<Combine, Term>;
  const std::int64_t wanted = (n + First::kThreads - 1) / First::kThreads;
  if (wanted <= 1) return on.launch(1, First{n, 1, term, out});
  const std::int64_t blocks = wanted < kMostPartial ? wanted : kMostPartial;
  on.launch(blocks, First{n, blocks, term, on.scratch()});
  on.launch(1, Reduce<Combine, Entry>{blocks, 1, {on.scratch()}, out});
}

template <class Combine, class Executor, class Term>
double reduce(Executor& on, std::int64_t n, const Term& term) {
  double* out = on.scratch() + kScratch - 1;
  reduce_into<Combine>(on, n, term, out);
  double result;
  read(on, out, 1, &result);
  return result;
}
template <class Executor, class Term>
double sum(Executor& on, std::int64_t n, const Term& term) {
  return reduce<Sum>(on, n, term);
}

// Arrays on the executor's side that live as long as this.
template <class Executor>
class Arena {
 public:
  explicit Arena(Executor& on) : on_(on) {}

  template <class T>
  T* allocate(std::int64_t size) {
    return keep(on_.template allocate<T>(size));
  }
  template <class T>
  T* upload(const T* values, std::int64_t size) {
    return keep(on_.upload(values, size));
  }
  // Null for an empty one.
  template <class T>
  T* upload(const std::vector<T>& values) {
    return values.empty() ? nullptr : upload(values.data(), static_cast<std::int64_t>(values.size()));
  }

 private:
  template <class Buffer>
  auto* keep(Buffer buffer) {
    const auto kept = std::make_shared<Buffer>(std::move(buffer));
    kept_.push_back(kept);
    return kept->data();
  }

  Executor& on_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace fastcv::FASTCV_ISA
