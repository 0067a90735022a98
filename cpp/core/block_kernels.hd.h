// SPDX-License-Identifier: Apache-2.0
// Kernels of thread blocks, written once: a GPU runs them (cuda/core/executor.cuh), and a CPU runs the threads of a
// block one after the other (core/host_executor.h), so that they are tested where there is no GPU.
//
// A kernel is plain data with `kThreads`, a type `Shared` that the threads of a block share (never initialised), and
//   int num_phases() const;
//   void phase(int phase, std::int64_t block, int thread, Shared&) const;
// Every thread of a block ends a phase before one begins the next; blocks know nothing of each other.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/host_device.h"

namespace fastcv::FASTCV_ISA {

// Whether a device can run it: whole warps, shared memory and arguments within what needs no permission.
template <class Kernel>
constexpr bool fits_device =
    Kernel::kThreads % 32 == 0 && Kernel::kThreads <= 1024 && sizeof(typename Kernel::Shared) <= (48 << 10) &&
    sizeof(Kernel) <= 4096 &&
    std::is_trivially_default_constructible_v<typename Kernel::Shared>&& std::is_trivially_copyable_v<Kernel>;
constexpr std::int64_t kMostBlocks = 0x7fffffff;  // of a launch, and there must be one

// body(i) for i in [0, n).
template <class Body>
struct ForEach {
  static constexpr int kThreads = 256;
  struct Shared {};
  std::int64_t n;
  Body body;

  std::int64_t num_blocks() const { return (n + kThreads - 1) / kThreads; }
  FASTCV_HD int num_phases() const { return 1; }
  FASTCV_HD void phase(int, std::int64_t block, int thread, Shared&) const {
    const std::int64_t i = block * kThreads + thread;
    if (i < n) body(i);
  }
};

struct Sum {
  static FASTCV_HD double combine(double a, double b) { return a + b; }
};
struct Largest {
  static FASTCV_HD double combine(double a, double b) { return a < b ? b : a; }
};

// partial[block] = the block's share of term(0) ... term(n - 1), combined; 0 where it has none.
template <class Combine, class Term>
struct Reduce {
  static constexpr int kThreads = 256;
  struct Shared {
    double values[kThreads];
  };
  std::int64_t n, num_blocks;
  Term term;
  double* partial;

  FASTCV_HD int num_phases() const { return 9; }  // 256 = 2^8 threads
  FASTCV_HD void phase(int phase, std::int64_t block, int thread, Shared& shared) const {
    if (phase == 0) {
      double value = 0;
      for (std::int64_t i = block * kThreads + thread; i < n; i += num_blocks * kThreads) {
        value = Combine::combine(value, term(i));
      }
      shared.values[thread] = value;
      return;
    }
    const int half = kThreads >> phase;
    if (thread >= half) return;
    shared.values[thread] = Combine::combine(shared.values[thread], shared.values[thread + half]);
    if (half == 1) partial[block] = shared.values[0];
  }
};

struct Entry {
  const double* values;
  FASTCV_HD double operator()(std::int64_t i) const { return values[i]; }
};

// One block a row: for each of a few entries, the sum of the terms of the row's items, in a tree of fixed shape.
//   int size() const;                                    // entries
//   std::int64_t begin(row) const, end(row) const;       // items
//   double term(row, item, entry) const;  void store(row, entry, sum) const;
// Neighbouring threads have neighbouring entries of the same item.
template <class Op>
struct SumRows {
  static constexpr int kThreads = 256;
  struct Shared {
    double sums[kThreads];
  };
  Op op;

  FASTCV_HD int num_phases() const {
    int phases = 1;
    while (op.size() << phases <= kThreads) ++phases;
    return phases;
  }
  FASTCV_HD void phase(int phase, std::int64_t row, int thread, Shared& shared) const {
    const int size = op.size(), last = num_phases() - 1, slices = 1 << last;
    if (phase == 0) {
      for (int i = thread; i < size * slices;
           i += kThreads) {  // in one turn, unless there are more entries than threads
        const int entry = i % size;
        double sum = 0;
        for (std::int64_t item = op.begin(row) + i / size; item < op.end(row); item += slices) {
          sum += op.term(row, item, entry);
        }
        if (last == 0) {
          op.store(row, entry, sum);
        } else {
          shared.sums[i] = sum;
        }
      }
      return;
    }
    const int half = size * (slices >> phase);
    if (thread >= half) return;
    shared.sums[thread] += shared.sums[thread + half];
    if (phase == last) op.store(row, thread, shared.sums[thread]);
  }
};

}  // namespace fastcv::FASTCV_ISA
