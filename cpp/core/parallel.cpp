// SPDX-License-Identifier: Apache-2.0
// The thread pool: started on first use, dynamic chunks, idle threads that linger, safe to use again in a forked child.
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

using Clock = std::chrono::steady_clock;

// A helper that has nothing to do looks for work for so long before it sleeps: waking it takes about as long, and loops
// of a few microseconds often follow one another. A caller that waits for its helpers' last chunks is less patient: one
// of them may be waiting for its very processor.
constexpr auto kHelperSpin = std::chrono::microseconds(50), kCallerSpin = std::chrono::microseconds(5);

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <class Ready>
void spin_until(const Ready& ready, Clock::duration most) {
  const auto end = Clock::now() + most;
  do {
    for (int i = 0; i < 16; ++i) {
      if (ready()) return;
      relax();
    }
  } while (Clock::now() < end);
}

// The pool's mutex is held for some ten instructions: not worth a sleep.
void lock_soon(std::unique_lock<std::mutex>& lock) {
  for (int i = 0; i < 64; ++i) {
    if (lock.try_lock()) return;
    relax();
  }
  lock.lock();
}

int num_processors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

// Chunks are dealt out as one consecutive share per thread, so that loops over the same arrays find them in the same
// cache; whoever is through with its share goes on with another's.
struct Job {
  struct alignas(64) Share {
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };
  static constexpr int kMostShares = 64;

  Job(std::int64_t num_chunks, int helpers, void (*body)(void*, std::int64_t), void* its_context)
      : helpers_wanted(helpers), num_shares(std::min(helpers + 1, kMostShares)), run(body), context(its_context) {
    for (int i = 0; i < num_shares; ++i) {
      shares[i].next.store(num_chunks / num_shares * i + std::min<std::int64_t>(i, num_chunks % num_shares));
      if (i > 0) shares[i - 1].end = shares[i].next;
    }
    shares[num_shares - 1].end = num_chunks;
  }

  // Takes one chunk, of this share if it has one, and runs it; false when none is left. `share` is where it was found.
  bool run_one(int& share) {
    for (int tried = 0; tried < num_shares; ++tried, share = (share + 1) % num_shares) {
      Share& from = shares[share];
      if (from.next.load(std::memory_order_relaxed) >= from.end) continue;
      const std::int64_t chunk = from.next.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= from.end) continue;
      run(context, chunk);
      return true;
    }
    return false;
  }
  void stop() {
    for (int i = 0; i < num_shares; ++i) shares[i].next.store(shares[i].end, std::memory_order_relaxed);
    stopped.store(true, std::memory_order_relaxed);
  }

  int helpers_wanted;  // guarded by Pool::mutex_
  int num_shares;
  void (*run)(void*, std::int64_t);
  void* context;
  std::atomic<int> helpers_inside{0};  // changed under Pool::mutex_
  std::atomic<bool> stopped{false};
  std::exception_ptr error{};  // guarded by Pool::mutex_
  Share shares[kMostShares];
};

class Pool {
 public:
  void run(Job& job) {
    {
      std::unique_lock lock(mutex_, std::defer_lock);
      lock_soon(lock);
      start_workers(job.helpers_wanted);
      jobs_.push_back(&job);
      num_jobs_ = jobs_.size();
    }
    work_.notify_all();
    try {
      for (int share = 0; job.run_one(share);) poll_interrupt();
    } catch (...) {
      fail(job, std::current_exception());
    }
    wait_for_helpers(job);
    if (job.error) std::rethrow_exception(job.error);
  }

 private:
  void start_workers(int wanted) {
    for (; num_workers_ < wanted; ++num_workers_) {
      std::thread([this, worker = num_workers_] { work_forever(worker); }).detach();
    }
  }

  void work_forever(int worker) {
    const bool spins = worker + 1 < num_processors();
    std::unique_lock lock(mutex_);
    while (true) {
      if (spins && jobs_.empty()) {
        lock.unlock();
        spin_until([this] { return num_jobs_.load(std::memory_order_relaxed) > 0; }, kHelperSpin);
        lock_soon(lock);
      }
      work_.wait(lock, [this] { return !jobs_.empty(); });
      Job& job = *jobs_.front();
      if (--job.helpers_wanted <= 0) jobs_.pop_front();
      num_jobs_ = jobs_.size();
      ++job.helpers_inside;
      lock.unlock();
      detail::heed_stop_flag(&job.stopped);
      try {
        for (int share = (worker + 1) % job.num_shares; job.run_one(share);) {
        }
      } catch (const detail::LoopStopped&) {  // the loop has its error already
      } catch (...) {
        fail(job, std::current_exception());
      }
      detail::heed_stop_flag(nullptr);
      lock_soon(lock);
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
    std::unique_lock lock(mutex_, std::defer_lock);
    lock_soon(lock);
    std::erase(jobs_, &job);
    num_jobs_ = jobs_.size();
    if (job.helpers_inside > 0) {
      lock.unlock();
      spin_until([&] { return job.helpers_inside.load(std::memory_order_relaxed) == 0; }, kCallerSpin);
      lock_soon(lock);
    }
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
  std::atomic<std::size_t> num_jobs_{0};  // what a thread that spins sees of jobs_
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
  return num_processors();
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
  Job job(num_chunks, helpers, run, context);
  pool().run(job);
}

}  // namespace detail
}  // namespace fastcv
