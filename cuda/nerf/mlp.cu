// SPDX-License-Identifier: Apache-2.0
// Networks, a block of threads for some rows: their values stay in shared memory while they go through all layers. Half
// precision runs on tensor cores, float32 on threads; float64, which is for checks, goes one number after the other.
// Each part of the rows has its own sum of the gradient by the parameters, and the parts are added in order.
#include <algorithm>

#include "cuda/core/fixed_point.cuh"
#include "cuda/core/launch.cuh"
#include "cuda/nerf/mlp.h"
#include "cuda/nerf/mlp_tensor_cores.cuh"
#include "nerf/mlp_serial.hd.h"

namespace fastcv::cuda::nerf {
namespace {

// Rows of a block of threads, and the matrices in which they go through the layers.
template <class Engine, class T>
struct MlpJob {
  gpu::MlpBlock<Engine> block;
  MlpArrays<T> arrays;
  std::int64_t part, work_size;
  bool shared;  // the matrices lie in shared memory, else block.work has some for each block of threads

  __device__ gpu::MlpBlock<Engine> own_block(void* memory) const {
    gpu::MlpBlock<Engine> own = block;
    own.work = shared ? static_cast<typename Engine::Value*>(memory) : own.work + blockIdx.x * work_size;
    return own;
  }
  __device__ std::int64_t begin() const { return blockIdx.x * part; }
  __device__ std::int64_t end() const { return min(begin() + part, arrays.rows); }
};

template <class Engine, class T>
__global__ __launch_bounds__(gpu::kMlpThreads) void mlp_kernel(MlpJob<Engine, T> job, T* out) {
  extern __shared__ __align__(128) unsigned char memory[];
  gpu::mlp_rows(job.own_block(memory), job.arrays, job.begin(), job.end(), out);
}

template <class Engine, class T>
__global__ __launch_bounds__(gpu::kMlpThreads) void mlp_vjp_kernel(MlpJob<Engine, T> job, const T* grad, T* by_inputs,
                                                                   typename Engine::Sum* sums) {
  extern __shared__ __align__(128) unsigned char memory[];
  auto* own = sums == nullptr ? nullptr : sums + blockIdx.x * job.block.packing.sums();
  gpu::mlp_rows_vjp(job.own_block(memory), job.arrays, job.begin(), job.end(), grad, by_inputs, own);
}

// What works on rows of layers, one number a thread.
template <class Op>
struct EachNumber {
  Op op;
  int columns;
  __device__ void operator()(std::int64_t i) const {
    const int column = static_cast<int>(i % columns);
    op(i / columns, column, column + 1);
  }
};

template <class Op>
void for_each_number(const Mlp& net, const Op& op, cudaStream_t stream) {
  const int columns = net.widest() + 1;
  for_each(gpu::MlpRow::count(net) * columns, EachNumber<Op>{op, columns}, stream);
}

// Weights as an engine computes with them.
template <class Engine, class T>
class Weights {
 public:
  using Value = typename Engine::Value;

  Weights(const Mlp& net, const MlpArrays<T>& arrays, cudaStream_t stream)
      : packing_{net},
        arrays_(arrays),
        has_tangents_(arrays.parameter_tangents != nullptr),
        values_(packing_.size(), stream),
        tangents_(has_tangents_ ? packing_.size() : 1, stream) {
    fill(arrays.parameters, values_.get(), stream);
    if (has_tangents_) fill(arrays.parameter_tangents, tangents_.get(), stream);
  }
  gpu::MlpBlock<Engine> block(bool keeps, int points, Value* work) const {
    const Value* tangents = has_tangents_ ? tangents_.get() : nullptr;
    return {{}, packing_, values_.get(), tangents, arrays_.along(), keeps, points, work};
  }
  std::int64_t work_size(bool keeps, int points) const {
    return gpu::MlpBlock<Engine>::work_size(packing_, arrays_.along(), keeps, points);
  }
  const gpu::MlpPacking<Engine::kGap>& packing() const { return packing_; }

 private:
  void fill(const T* parameters, Value* to, cudaStream_t stream) const {
    for_each_number(packing_.net, gpu::MlpPack<Value, T, Engine::kGap>{packing_, parameters, to}, stream);
  }

  const gpu::MlpPacking<Engine::kGap> packing_;
  const MlpArrays<T> arrays_;
  const bool has_tangents_;
  const Zeros<Value> values_, tangents_;
};

// As many points at a time as shared memory has room for; where 16 are too many, memory of the device serves.
template <class Engine, class T>
class Launch {
 public:
  Launch(const Weights<Engine, T>& weights, bool keeps) {
    const std::int64_t most = most_bytes();
    for (points_ = 128; points_ > 16 && bytes(weights, keeps) > most; points_ /= 2) {
    }
    shared_ = bytes(weights, keeps) <= most;
    if (!shared_) points_ = 64;
    work_size_ = weights.work_size(keeps, points_);
  }
  int points() const { return points_; }
  bool shared() const { return shared_; }
  // Of all blocks of threads, beside shared memory.
  std::int64_t device_values(std::int64_t blocks) const { return shared_ ? 1 : blocks * work_size_; }

  template <class... Args>
  void run(void (*kernel)(MlpJob<Engine, T>, Args...), const gpu::MlpBlock<Engine>& block, const MlpArrays<T>& arrays,
           std::int64_t part, cudaStream_t stream, Args... args) const {
    const std::int64_t parts = (arrays.rows + part - 1) / part;
    check(parts <= 0x7fffffff ? cudaSuccess : cudaErrorInvalidConfiguration, "mlp");
    const int size = shared_ ? static_cast<int>(work_size_ * sizeof(typename Engine::Value)) : 0;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, size), "cudaFuncSetAttribute");
    const MlpJob<Engine, T> job{block, arrays, part, work_size_, shared_};
    kernel<<<static_cast<unsigned>(parts), gpu::kMlpThreads, size, stream>>>(job, args...);
    check(cudaGetLastError(), "mlp");
  }

 private:
  // So little that several blocks of threads fit, less what a kernel has of its own.
  static std::int64_t most_bytes() {
    constexpr int kAim = 64 << 10, kKernels = 4 << 10;
    int device = 0, most = 0;
    check(cudaGetDevice(&device), "cudaGetDevice");
    check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "cudaDeviceGetAttribute");
    return std::min(kAim, most) - kKernels;
  }
  std::int64_t bytes(const Weights<Engine, T>& weights, bool keeps) const {
    return weights.work_size(keeps, points_) * static_cast<std::int64_t>(sizeof(typename Engine::Value));
  }

  int points_ = 0;
  bool shared_ = false;
  std::int64_t work_size_ = 0;
};

constexpr std::int64_t kMostParts = 512;

template <class Engine, class T>
void run(const Mlp& net, const MlpArrays<T>& arrays, T* out, cudaStream_t stream) {
  const Weights<Engine, T> weights(net, arrays, stream);
  const Launch<Engine, T> launch(weights, false);
  const std::int64_t part = launch.shared() ? launch.points() : 1024, parts = (arrays.rows + part - 1) / part;
  const Zeros<typename Engine::Value> work(launch.device_values(parts), stream);
  launch.run(mlp_kernel<Engine, T>, weights.block(false, launch.points(), work.get()), arrays, part, stream, out);
}

template <class Real, int kGap>
void add_parts(const gpu::MlpPacking<kGap>& packing, const Real* sums, std::int64_t parts, Real* out,
               cudaStream_t stream) {
  for_each_number(packing.net, gpu::MlpAddParts<Real, kGap>{packing, sums, parts, out}, stream);
}

template <class Engine, class T>
void run_vjp(const Mlp& net, const MlpArrays<T>& arrays, const T* grad, T* by_inputs, float* by_parameters,
             cudaStream_t stream) {
  const Weights<Engine, T> weights(net, arrays, stream);
  const Launch<Engine, T> launch(weights, true);
  const std::int64_t part = fastcv::nerf::mlp_part(net, arrays.rows, kMostParts);
  const std::int64_t parts = (arrays.rows + part - 1) / part;
  const Zeros<float> sums(by_parameters == nullptr ? 1 : parts * weights.packing().sums() + 1, stream);
  if (parts > 0) {
    const Zeros<typename Engine::Value> work(launch.device_values(parts), stream);
    float* const to = by_parameters == nullptr ? nullptr : sums.get();
    launch.run(mlp_vjp_kernel<Engine, T>, weights.block(true, launch.points(), work.get()), arrays, part, stream, grad,
               by_inputs, to);
  }
  if (by_parameters != nullptr) add_parts(weights.packing(), sums.get(), parts, by_parameters, stream);
}

// One number after the other, one thread a part.
using Serial = gpu::MlpSerial<double>;
constexpr int kSerialPoints = 16;

// Part i of the rows; `block.work` and `sums` hold those of all parts.
struct SerialPart {
  gpu::MlpBlock<Serial> block;
  MlpArrays<double> arrays;
  std::int64_t part, work_size;

  __device__ gpu::MlpBlock<Serial> own_block(std::int64_t i) const {
    gpu::MlpBlock<Serial> own = block;
    own.work += i * work_size;
    return own;
  }
  __device__ std::int64_t end(std::int64_t i) const { return min((i + 1) * part, arrays.rows); }
};

struct SerialRows {
  SerialPart parts;
  double* out;

  __device__ void operator()(std::int64_t i) const {
    gpu::mlp_rows(parts.own_block(i), parts.arrays, i * parts.part, parts.end(i), out);
  }
};

struct SerialRowsVjp {
  SerialPart parts;
  const double* grad;
  double *by_inputs, *sums;

  __device__ void operator()(std::int64_t i) const {
    double* own = sums == nullptr ? nullptr : sums + i * parts.block.packing.sums();
    gpu::mlp_rows_vjp(parts.own_block(i), parts.arrays, i * parts.part, parts.end(i), grad, by_inputs, own);
  }
};

void run_serially(const Mlp& net, const MlpArrays<double>& arrays, double* out, cudaStream_t stream) {
  const Weights<Serial, double> weights(net, arrays, stream);
  const std::int64_t parts = (arrays.rows + kSerialPoints - 1) / kSerialPoints;
  const std::int64_t size = weights.work_size(false, kSerialPoints);
  const Zeros<double> work(parts * size, stream);
  const SerialPart part{weights.block(false, kSerialPoints, work.get()), arrays, kSerialPoints, size};
  for_each(parts, SerialRows{part, out}, stream);
}

void run_serially_vjp(const Mlp& net, const MlpArrays<double>& arrays, const double* grad, double* by_inputs,
                      double* by_parameters, cudaStream_t stream) {
  const Weights<Serial, double> weights(net, arrays, stream);
  const std::int64_t rows = fastcv::nerf::mlp_part(net, arrays.rows, kMostParts);
  const std::int64_t parts = (arrays.rows + rows - 1) / rows, size = weights.work_size(true, kSerialPoints);
  const Zeros<double> work(parts * size + 1, stream);
  const Zeros<double> sums(by_parameters == nullptr ? 1 : parts * weights.packing().sums() + 1, stream);
  const SerialPart part{weights.block(true, kSerialPoints, work.get()), arrays, rows, size};
  for_each(parts, SerialRowsVjp{part, grad, by_inputs, by_parameters == nullptr ? nullptr : sums.get()}, stream);
  if (by_parameters != nullptr) add_parts(weights.packing(), sums.get(), parts, by_parameters, stream);
}

// Tensor cores have bfloat16 from compute capability 8 on.
bool has_bfloat_cores() {
  int device = 0, major = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  return major >= 8;
}

// Calls body with the engine for a type.
template <class T, class Body>
void with_engine(const Body& body) {
  if constexpr (std::is_same_v<T, float>) {
    body(gpu::MlpThreads{});
  } else if constexpr (std::is_same_v<T, Bfloat>) {
    has_bfloat_cores() ? body(MlpTensorCores<T>{}) : body(gpu::MlpThreads{});
  } else {
    body(MlpTensorCores<T>{});
  }
}

}  // namespace

template <class T>
void mlp(const Mlp& net, const MlpArrays<T>& arrays, T* out, cudaStream_t stream) {
  if (arrays.rows == 0) return;
  if constexpr (std::is_same_v<T, double>) {
    run_serially(net, arrays, out, stream);
  } else {
    with_engine<T>([&](auto engine) { run<decltype(engine)>(net, arrays, out, stream); });
  }
}

template <class T>
void mlp_vjp(const Mlp& net, const MlpArrays<T>& arrays, const T* grad, T* by_inputs, MlpReal<T>* by_parameters,
             cudaStream_t stream) {
  if constexpr (std::is_same_v<T, double>) {
    run_serially_vjp(net, arrays, grad, by_inputs, by_parameters, stream);
  } else {
    with_engine<T>(
        [&](auto engine) { run_vjp<decltype(engine)>(net, arrays, grad, by_inputs, by_parameters, stream); });
  }
}

#define FASTCV_INSTANTIATE(T)                                           \
  template void mlp(const Mlp&, const MlpArrays<T>&, T*, cudaStream_t); \
  template void mlp_vjp(const Mlp&, const MlpArrays<T>&, const T*, T*, MlpReal<T>*, cudaStream_t);
FASTCV_INSTANTIATE(float)
FASTCV_INSTANTIATE(double)
FASTCV_INSTANTIATE(Half)
FASTCV_INSTANTIATE(Bfloat)
#undef FASTCV_INSTANTIATE

}  // namespace fastcv::cuda::nerf
