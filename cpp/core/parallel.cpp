// SPDX-License-Identifier: Apache-2.0
// The thread pool: started on first use, dynamic chunks, safe to use again in a forked child.
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/interrupt.h"

namespace fastcv {
namespace {

struct Job {
  std::int64_t num_chunks;
  void (*run)(void*, std::int64_t);
  void* context;
  int helpers_wanted;  // guarded by Pool::mutex_
  int helpers_inside = 0;
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> stopped{false};
  std::exception_ptr error{};  // guarded by Pool::mutex_

  // Takes one chunk and runs it; false when none is left.
  bool run_one() {
    const std::int64_t chunk = next.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= num_chunks) return false;
    run(context, chunk);
    return true;
  }
  void stop() {
    next.store(num_chunks, std::memory_order_relaxed);
    stopped.store(true, std::memory_order_relaxed);
  }
};

class Pool {
 public:
  void run(Job& job) {
    {
      const std::lock_guard lock(mutex_);
      start_workers(job.helpers_wanted);
      jobs_.push_back(&job);
    }
    work_.notify_all();
    try {
      while (job.run_one()) poll_interrupt();
    } catch (...) {
      fail(job, std::current_exception());
    }
    wait_for_helpers(job);
    if (job.error) std::rethrow_exception(job.error);
  }

 private:
  void start_workers(int wanted) {
    for (; num_workers_ < wanted; ++num_workers_) std::thread([this] { work_forever(); }).detach();
  }

  void work_forever() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_.wait(lock, [this] { return !jobs_.empty(); });
      Job& job = *jobs_.front();
      if (--job.helpers_wanted <= 0) jobs_.pop_front();
      ++job.helpers_inside;
      lock.unlock();
      detail::heed_stop_flag(&job.stopped);
      try {
        while (job.run_one()) {
        }
      } catch (const detail::LoopStopped&) {  // the loop has its error already
      } catch (...) {
        fail(job, std::current_exception());
      }
      detail::heed_stop_flag(nullptr);
      lock.lock();
      if (--job.helpers_inside == 0) done_.notify_all();
    }
  }

  void fail(Job& job, std::exception_ptr error) {
    job.stop();
    const std::lock_guard lock(mutex_);
    if (!job.error) job.error = std::move(error);
  }

  // No helper may touch the job once this returns: it lives on the caller's stack.
  void wait_for_helpers(Job& job) {
    std::unique_lock lock(mutex_);
    std::erase(jobs_, &job);
    while (!done_.wait_for(lock, std::chrono::milliseconds(20), [&] { return job.helpers_inside == 0; })) {
      lock.unlock();
      try {
        poll_interrupt();
      } catch (...) {
        fail(job, std::current_exception());
      }
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<Job*> jobs_;
  int num_workers_ = 0;
};

// Never destroyed: workers may outlive static destruction. A forked child has none of the parent's threads and may have
// inherited a locked mutex, so it gets a fresh pool.
Pool* g_pool = nullptr;

Pool& pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    g_pool = new Pool;
    pthread_atfork(nullptr, nullptr, [] { g_pool = new Pool; });
  });
  return *g_pool;
}

int initial_num_threads() {
  if (const char* setting = std::getenv("FASTCV_NUM_THREADS")) {
    char* end = nullptr;
    const long value = std::strtol(setting, &end, 10);
    if (*setting == '\0' || *end != '\0' || value < 1 || value > 4096) {
      throw std::invalid_argument("FASTCV_NUM_THREADS: expected 1 to 4096, got " + std::string(setting));
    }
    return static_cast<int>(value);
  }
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1U, std::thread::hardware_concurrency());
}

std::atomic<int>& num_threads_setting() {
  static std::atomic<int> setting{initial_num_threads()};
  return setting;
}

}  // namespace

int default_num_threads() { return num_threads_setting(); }
void set_default_num_threads(int num_threads) { num_threads_setting() = std::max(1, num_threads); }

namespace detail {

void run_chunks(std::int64_t num_chunks, int num_threads, void (*run)(void*, std::int64_t), void* context) {
  if (num_threads <= 0) num_threads = default_num_threads();
  const int helpers = static_cast<int>(std::min<std::int64_t>(num_threads, num_chunks)) - 1;
  if (helpers <= 0) {
    for (std::int64_t chunk = 0; chunk < num_chunks; ++chunk) {
      run(context, chunk);
      poll_interrupt();
    }
    return;
  }
  Job job{num_chunks, run, context, helpers};
  pool().run(job);
}

}  // namespace detail
}  // namespace fastcv
