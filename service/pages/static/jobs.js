// Long work as it goes on. Without this script, the page is loaded anew every two seconds.
(() => {
  const job = document.getElementById("job");
  const source = new EventSource(job.dataset.stream);
  source.addEventListener("progress", (event) => { job.innerHTML = event.data; });
  source.addEventListener("over", () => { source.close(); location.reload(); });
})();
