#!/usr/bin/env bash
# Usage: enter.sh RUN FOLDERS. The first process in the namespaces of the node. Makes a file system that has the programs of the
# host, read-only, and nothing else of it that can be written, and becomes node.sh in there. All mounts end with the node.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly scripts run=$1 root=$1/root
IFS=: read -ra folders <<<"$2"

# This is still the host's /proc: it tells our number there.
read -r pid _ </proc/self/stat

# visible PATH...: shows what the host has, read-only, at the same place.
visible() {
	local path
	for path in "$@"; do
		if [[ -L $path ]]; then
			cp -P "$path" "$root$path"
		elif [[ -d $path ]]; then
			mkdir -p "$root$path"
			mount --bind "$path" "$root$path"
			mount -o remount,bind,ro "$root$path"
		fi
	done
}

# kept PATH: a folder of the node that lies on the disk.
kept() {
	mkdir -p "$root/$1" "$run/$2"
	mount --bind "$run/$2" "$root/$1"
}

# programs makes the binaries and images of all folders appear in /opt/bin.
programs() {
	local i file
	mkdir -p "$root/opt/bin"
	for i in "${!folders[@]}"; do
		mkdir "$root/opt/$i"
		mount --bind "${folders[i]}" "$root/opt/$i"
		mount -o remount,bind,ro "$root/opt/$i"
		for file in "$root/opt/$i"/*; do
			ln -sf "../$i/${file##*/}" "$root/opt/bin/"
		done
	done
}

# setting PATH VALUE: the kubelet wants its values in settings of the kernel that belong to the whole machine. It finds them
# there, in a file that is the node's alone.
setting() {
	local file=$root/run/settings/${1//\//.}
	[[ -e $root/proc/sys/$1 ]] || return 0
	printf '%s\n' "$2" >"$file"
	mount --bind "$file" "$root/proc/sys/$1"
}

mkdir -p "$root"
mount -t tmpfs -o mode=0755 node "$root"
visible /bin /sbin /lib /lib32 /lib64 /libx32 /usr /etc
mkdir -p "$root"/{dev,sys,proc,root,run/settings,tmp,old}
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
setting kernel/keys/root_maxbytes 25000000
setting kernel/keys/root_maxkeys 1000000
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
kept node node
kept var/lib/containerd containerd
kept var/lib/kubelet kubelet
kept var/log ../logs
programs
cp -r "$scripts/config" "$scripts/node.sh" "$run/node"
if [[ $(stat -f -c %T "$run") == overlayfs ]]; then # cannot be below another one
	sed -i 's/SNAPSHOTTER/native/' "$run/node/config/containerd.toml"
else
	sed -i 's/SNAPSHOTTER/overlayfs/' "$run/node/config/containerd.toml"
fi

cd "$root"
pivot_root . old
cd /
umount -l /old
# What a pod mounts with propagation needs a mount that is shared; nothing is shared with the host.
mount --make-rshared /
hostname node
printf '%s\n' "$pid" >/node/pid.new
mv /node/pid.new /node/pid
exec /bin/bash /node/node.sh
