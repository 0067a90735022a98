// SPDX-License-Identifier: Apache-2.0
// Fusion on a GPU: new blocks are found level by level, cubes side by side, in the order in which the CPU finds them.
#include "cuda/voxels/tsdf.h"

#include <cub/device/device_select.cuh>
#include <utility>

#include "cuda/core/launch.cuh"
#include "voxels/depth_sight.hd.h"
#include "voxels/pack_frame.hd.h"
#include "voxels/tsdf.hd.h"

namespace fastcv::cuda::voxels {
namespace {

template <class T>
class Buffer {
 public:
  Buffer(std::int64_t size, cudaStream_t stream) : stream_(stream) {
    check(cudaMallocAsync(&data_, (size > 0 ? size : 1) * sizeof(T), stream), "cudaMallocAsync");
  }
  ~Buffer() {
    if (data_) cudaFreeAsync(data_, stream_);
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), stream_(other.stream_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  T* get() const { return data_; }

 private:
  T* data_ = nullptr;
  cudaStream_t stream_;
};

template <class T>
T read_back(const T* device, cudaStream_t stream) {
  T value;
  check(cudaMemcpyAsync(&value, device, sizeof value, cudaMemcpyDeviceToHost, stream), "cudaMemcpyAsync");
  check(cudaStreamSynchronize(stream), "cudaStreamSynchronize");
  return value;
}

// Keeps those of `count` items whose flag is set, in their order; returns how many.
template <class T>
std::int64_t keep(const T* items, const std::uint8_t* flags, std::int64_t count, T* kept, cudaStream_t stream) {
  const Buffer<std::int64_t> num_kept(1, stream);
  std::size_t bytes = 0;
  check(cub::DeviceSelect::Flagged(nullptr, bytes, items, flags, kept, num_kept.get(), count, stream), "Flagged");
  const Buffer<std::uint8_t> scratch(static_cast<std::int64_t>(bytes), stream);
  check(cub::DeviceSelect::Flagged(scratch.get(), bytes, items, flags, kept, num_kept.get(), count, stream), "Flagged");
  return read_back(num_kept.get(), stream);
}

// The eight parts of cubes, and which of them may have a surface in some frame. Blocks that are in the table are none.
struct JudgeParts {
  Fusion fusion;
  BlockTable table;
  int level;  // of the cubes
  const BlockNumber* cubes;
  BlockNumber* parts;
  std::uint8_t* may;

  __device__ void operator()(std::int64_t i) const {
    const BlockNumber part = part_of(cubes[i / 8], level, static_cast<int>(i % 8));
    bool found = false;
    if (level > 1 || gpu::find_slot(table, gpu::block_key(part.zyx)) < 0) {
      for (std::int64_t f = 0; f < fusion.frames.count && !found; ++f) {
        found = gpu::look_at_cube(fusion, f, part.zyx, std::int64_t(1) << (level - 1)).near;
      }
    }
    parts[i] = part;
    may[i] = found;
  }
};

struct SetFirst {
  std::int32_t* first;
  __device__ void operator()(std::int64_t i) const { first[i] = INT32_MAX; }
};
struct MarkFirst {
  gpu::FirstInBand of_voxel;
  std::int32_t* first;
  __device__ void operator()(std::int64_t i) const {
    const std::int32_t frame = of_voxel(i);
    if (frame >= 0) atomicMin(first + i / kBlockVoxels, frame);
  }
};
struct IsBorn {
  const std::int32_t* first;
  std::uint8_t* born;
  __device__ void operator()(std::int64_t i) const { born[i] = first[i] != INT32_MAX; }
};

struct InsertBlock {
  Rows<const std::int32_t, 3> blocks;
  std::int64_t begin, size;
  std::int64_t* keys;
  std::int32_t *slots, *twice;

  __device__ void operator()(std::int64_t k) const {
    const std::int64_t i = begin + k, key = gpu::block_key(blocks[i]);
    std::int64_t place = gpu::first_place({size, keys, slots}, key);
    for (;; place = (place + 1) & (size - 1)) {
      auto* slot = reinterpret_cast<unsigned long long*>(keys + place);
      const auto old = static_cast<std::int64_t>(
          atomicCAS(slot, static_cast<unsigned long long>(kNoKey), static_cast<unsigned long long>(key)));
      if (old == key) *twice = 1;
      if (old == kNoKey || old == key) break;
    }
    slots[place] = static_cast<std::int32_t>(i);
  }
};

// Blocks that may have a surface in some frame.
std::pair<Buffer<BlockNumber>, std::int64_t> candidates(const Fusion& fusion, const BlockTable& table,
                                                        cudaStream_t stream) {
  const BlockNumber root{{-kBlockLimit, -kBlockLimit, -kBlockLimit}};
  Buffer<BlockNumber> cubes(1, stream);
  check(cudaMemcpyAsync(cubes.get(), &root, sizeof root, cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync");
  std::int64_t count = 1;
  for (int level = kBlockBits + 1; level > 0 && count > 0; --level) {
    Buffer<BlockNumber> parts(8 * count, stream), kept(8 * count, stream);
    const Buffer<std::uint8_t> may(8 * count, stream);
    for_each(8 * count, JudgeParts{fusion, table, level, cubes.get(), parts.get(), may.get()}, stream);
    count = keep(parts.get(), may.get(), 8 * count, kept.get(), stream);
    cubes = std::move(kept);
  }
  return {std::move(cubes), count};
}

}  // namespace

template <class T>
void pack_frames(View<const T, 3> depths, float scale, float max_depth, const PixelExtras& extras,
                 const PackedFrames& out, cudaStream_t stream) {
  const DepthWindows windows(depths.shape[1], depths.shape[2]);
  for_each(depths.shape[0] * windows.tiles(), gpu::PackFrameTile<T>{depths, scale, max_depth, extras, out, windows},
           stream);
  for (int level = 1; level <= windows.levels; ++level) {
    const gpu::WidenWindow widen{windows, level, out.ranges};
    for_each(depths.shape[0] * widen.per_frame(), widen, stream);
  }
}
template void pack_frames(View<const float, 3>, float, float, const PixelExtras&, const PackedFrames&, cudaStream_t);
template void pack_frames(View<const std::uint16_t, 3>, float, float, const PixelExtras&, const PackedFrames&,
                          cudaStream_t);

std::int64_t find_blocks(const Fusion& fusion, const BlockTable& table, std::int64_t limit,
                         Rows<std::int32_t, 3> blocks, std::int32_t* first_frames, cudaStream_t stream) {
  const auto [cubes, count] = candidates(fusion, table, stream);
  const Buffer<std::int32_t> first(count, stream), kept_first(count, stream);
  const Buffer<std::uint8_t> born(count, stream);
  const Buffer<BlockNumber> kept(count, stream);
  for_each(count, SetFirst{first.get()}, stream);
  for_each(count * kBlockVoxels, MarkFirst{{fusion, cubes.get()}, first.get()}, stream);
  for_each(count, IsBorn{first.get(), born.get()}, stream);
  const std::int64_t found = keep(cubes.get(), born.get(), count, kept.get(), stream);
  keep(first.get(), born.get(), count, kept_first.get(), stream);
  const std::int64_t written = found < blocks.rows ? found : blocks.rows;
  static_assert(sizeof(BlockNumber) == 3 * sizeof(std::int32_t));
  check(cudaMemcpyAsync(blocks.data, kept.get(), written * sizeof(BlockNumber), cudaMemcpyDeviceToDevice, stream),
        "cudaMemcpyAsync");
  check(
      cudaMemcpyAsync(first_frames, kept_first.get(), written * sizeof(std::int32_t), cudaMemcpyDeviceToDevice, stream),
      "cudaMemcpyAsync");
  return found < limit + 1 ? found : limit + 1;
}

void integrate(const Fusion& fusion, Rows<const std::int32_t, 3> blocks, View<const std::int32_t, 1> first_frames,
               const BlockVoxels& voxels, cudaStream_t stream) {
  for_each(blocks.rows * kBlockVoxels, gpu::IntegrateVoxel{fusion, blocks, first_frames, voxels}, stream);
}

bool insert_blocks(Rows<const std::int32_t, 3> blocks, std::int64_t begin, std::int64_t size, std::int64_t* keys,
                   std::int32_t* slots, cudaStream_t stream) {
  const Buffer<std::int32_t> twice(1, stream);
  check(cudaMemsetAsync(twice.get(), 0, sizeof(std::int32_t), stream), "cudaMemsetAsync");
  for_each(blocks.rows - begin, InsertBlock{blocks, begin, size, keys, slots, twice.get()}, stream);
  return read_back(twice.get(), stream) == 0;
}

}  // namespace fastcv::cuda::voxels
